"""Which subsections are graded."""


def graded_subsections_for_course(course_structure):
    """In course order, those that learners see."""
    for chapter in course_structure.get_children(course_structure.root_block_usage_key):
        for location in course_structure.get_children(chapter):
            block = course_structure[location]
            hidden = course_structure.get_transformer_block_field(
                location, "visibility", "merged_visible_to_staff_only"
            )
            if block.graded and not hidden:
                yield block
