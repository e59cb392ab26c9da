"""The collected blocks of a course: the same for everybody."""

from xmodule.modulestore.django import modulestore
from xmodule.modulestore.exceptions import ItemNotFoundError


class BlockStructureManager:
    def __init__(self, root_block_usage_key):
        self.root_block_usage_key = root_block_usage_key

    def get_collected(self):
        key = self.root_block_usage_key.course_key
        if key not in modulestore().structures:
            raise ItemNotFoundError(self.root_block_usage_key)
        return modulestore().structures[key]


def get_block_structure_manager(course_key):
    return BlockStructureManager(modulestore().make_course_usage_key(course_key))


def get_course_in_cache(course_key):
    return get_block_structure_manager(course_key).get_collected()
