"""Courses with their blocks and graders, in memory."""

from xmodule.graders import CourseGrader


class Block:
    """A block of a course, as a collected structure has it."""

    def __init__(self, location, display_name="", *, graded=False, format="", staff_only=False, mode=None):  # noqa: A002
        self.location = location
        self.display_name = display_name
        self.graded = graded
        self.format = format
        self.visible_to_staff_only = staff_only
        self.completion_mode = mode


class Structure:
    """Blocks by key, each with its children in order."""

    def __init__(self, root):
        self.root_block_usage_key = root.location
        self._blocks = {root.location: root}
        self._children = {root.location: []}

    def add(self, parent, block):
        self._blocks[block.location] = block
        self._children[block.location] = []
        self._children[parent.location].append(block.location)
        return block

    def __getitem__(self, key):
        return self._blocks[key]

    def get_children(self, key):
        return self._children[key]

    def get_xblock_field(self, key, name, default=None):
        return getattr(self._blocks[key], name, default)

    def topological_traversal(self):
        waiting = [self.root_block_usage_key]
        while waiting:
            key = waiting.pop()
            yield key
            waiting += reversed(self._children[key])


class Course:
    """A course with its policy."""

    def __init__(self, key, policy):
        self.id = key
        self.grading_policy = policy

    @property
    def grader(self):
        return CourseGrader(self.grading_policy["GRADER"])


class Store:
    def __init__(self):
        self.courses = {}
        self.structures = {}

    def get_course(self, key, depth=0):
        return self.courses.get(key)


_STORE = Store()


def modulestore():
    return _STORE
