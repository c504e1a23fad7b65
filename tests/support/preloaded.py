"""What forked processes share: plugins of pgen and pytest, and modules that a run imports only when it needs them.

It is imported last.
"""

import gc
from importlib import import_module
from importlib.metadata import entry_points, version

from PIL import Image

import pgen_modules
from pgen.formats.schemas import names, validator
from pgen.registry import registry

MODULES = ("PIL.ImageDraw", "hypothesis.strategies", "jsonschema", "pandas", "pgen_ray.executor")

for module in (*MODULES, *pgen_modules.names()):
    import_module(module)
Image.preinit()
registry()
version("pillow")  # imports the parser of metadata
for name in names():
    validator(name)
for plugin in entry_points(group="pytest11"):
    plugin.load()
gc.collect()
gc.freeze()  # no collection in a forked process visits, and so copies, what they share
