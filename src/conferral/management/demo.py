HELP=""
def arguments(p): pass
def handle(o, c): pass
