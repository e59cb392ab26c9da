"""An example of plugins for Conferral: a rule on the best grades, and badges as SVG pictures."""
