"""How links, buttons and fields are worked: by the mouse, or by nothing but the keyboard."""

LONG = 250
"""Presses of Tab that anybody would have given up before."""
HAS_FOCUS = """target => {
  const focused = document.activeElement;
  if (target === focused) return true;
  const group = ({ type, name, form }) => type === "radio" && form && `${form.id} ${name}`;
  return group(target) && group(target) === group(focused);
}"""
LOOKS = """element => {
  const around = [element, element.parentElement, element.closest("label, article, li"), element.nextElementSibling];
  return JSON.stringify(around.filter(Boolean).flatMap(each => [null, "::before", "::after"].map(part => {
    const { outline, boxShadow, borderColor, backgroundColor, textDecoration } = getComputedStyle(each, part);
    return [outline, boxShadow, borderColor, backgroundColor, textDecoration];
  })));
}"""


class Mouse:
    """Points and clicks."""

    def press(self, target):
        target.click()

    def write(self, field, text):
        field.fill(text)

    def choose(self, field, option):
        field.select_option(label=option)

    def check(self, field):
        field.check()

    def uncheck(self, field):
        field.uncheck()


class Keyboard:
    """Goes from one thing to the next by Tab, sees where it is, and works it with the keys of the browser."""

    def press(self, target):
        self._reach(target)
        target.page.keyboard.press("Enter")

    def write(self, field, text):
        self._reach(field)
        if field.get_attribute("type") in ("date", "time", "datetime-local"):
            field.fill(text)  # its parts are typed in an order that the machine's language decides
        else:
            field.page.keyboard.press("ControlOrMeta+a")
            field.page.keyboard.insert_text(text)

    def choose(self, field, option):
        self._reach(field)
        options = field.locator("option").all_inner_texts()
        wanted = [each.strip() for each in options].index(option)
        now = field.evaluate("field => field.selectedIndex")
        for _ in range(abs(wanted - now)):
            field.page.keyboard.press("ArrowDown" if wanted > now else "ArrowUp")

    def check(self, field):
        self._reach(field)
        if field.get_attribute("type") == "radio":
            for _ in range(LONG):
                if field.is_checked():
                    return
                field.page.keyboard.press("ArrowDown")
            raise AssertionError("arrow keys do not lead to this choice")
        if not field.is_checked():
            field.page.keyboard.press("Space")

    def uncheck(self, field):
        self._reach(field)
        if field.is_checked():
            field.page.keyboard.press("Space")

    def _reach(self, target):
        target.wait_for()
        for _ in range(LONG):
            if target.evaluate(HAS_FOCUS):
                break
            target.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"Tab does not lead there in {LONG} presses")
        focused = target.page.locator(":focus")
        with_focus = focused.evaluate(LOOKS)
        element = focused.element_handle()
        element.evaluate("element => element.blur()")
        without = element.evaluate(LOOKS)
        element.evaluate("element => element.focus({ focusVisible: true })")
        assert with_focus != without, "nobody sees that it has the focus"
