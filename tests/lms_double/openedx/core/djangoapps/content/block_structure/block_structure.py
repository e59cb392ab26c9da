"""The collected blocks of a course."""

from types import SimpleNamespace


class BlockData:
    """A block. It has the fields that were collected, and no others: asking for another raises AttributeError."""

    def __init__(self, location, **fields):
        self.location = location
        self.transformer_data = {}
        for name, value in fields.items():
            setattr(self, name, value)


class BlockStructure:
    """Blocks by key, each with its children in order."""

    def __init__(self, root):
        self.root_block_usage_key = root.location
        self._blocks = {}
        self._children = {}
        self._parents = {}
        self._put(root)

    def _put(self, block):
        self._blocks[block.location] = block
        self._children[block.location] = []
        self._parents[block.location] = []

    def add(self, parent, block):
        self._put(block)
        self._children[parent.location].append(block.location)
        self._parents[block.location].append(parent.location)
        return block

    def __iter__(self):
        return self.get_block_keys()

    def __len__(self):
        return len(self._blocks)

    def __contains__(self, usage_key):
        return usage_key in self._blocks

    def __getitem__(self, usage_key):
        return self._blocks[usage_key]

    def get_block_keys(self):
        return iter(self._blocks)

    def get_children(self, usage_key):
        return self._children.get(usage_key, [])

    def get_parents(self, usage_key):
        return self._parents.get(usage_key, [])

    def topological_traversal(self, filter_func=None, start_node=None):
        """A block before what is in it; one that is filtered out takes along all that is in it."""
        waiting = [start_node or self.root_block_usage_key]
        while waiting:
            key = waiting.pop()
            if filter_func is None or filter_func(key):
                yield key
                waiting += reversed(self.get_children(key))

    def get_xblock_field(self, usage_key, field_name, default=None):
        return getattr(self._blocks.get(usage_key), field_name, default)

    def get_transformer_block_field(self, usage_key, transformer, key, default=None):
        """By a transformer's class or name."""
        name = transformer if isinstance(transformer, str) else transformer.name()
        data = self._blocks[usage_key].transformer_data.get(name) if usage_key in self else None
        return data.fields.get(key, default) if data else default

    def set_transformer_block_field(self, usage_key, transformer, key, value):
        name = transformer if isinstance(transformer, str) else transformer.name()
        self._blocks[usage_key].transformer_data.setdefault(name, SimpleNamespace(fields={})).fields[key] = value
