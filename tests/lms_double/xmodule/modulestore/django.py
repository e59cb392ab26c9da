"""Courses and their structures, in memory."""

from xmodule.graders import grader_from_conf


class CourseBlock:
    """A course with its grading policy, `{"GRADER": [rule, …], "GRADE_CUTOFFS": {letter: share}}`."""

    def __init__(self, key, grading_policy, **fields):
        self.id = key
        self.location = key.make_usage_key("course", "course")
        self.grading_policy = grading_policy
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def raw_grader(self):
        return self.grading_policy["GRADER"]

    @property
    def grader(self):
        """Made anew each time that it is asked for."""
        return grader_from_conf(self.raw_grader)

    @property
    def grade_cutoffs(self):
        return self.grading_policy["GRADE_CUTOFFS"]

    @property
    def lowest_passing_grade(self):
        return min(self.grade_cutoffs.values())


class Store:
    def __init__(self):
        self.courses = {}
        self.structures = {}

    def get_course(self, course_key, depth=0):
        return self.courses.get(course_key)

    def make_course_usage_key(self, course_key):
        return course_key.make_usage_key("course", "course")


_STORE = Store()


def modulestore():
    return _STORE
