"""Which subsections are graded."""


def graded_subsections_for_course(structure):
    for chapter in structure.get_children(structure.root_block_usage_key):
        for subsection in structure.get_children(chapter):
            block = structure[subsection]
            if block.graded and not block.visible_to_staff_only:
                yield block
