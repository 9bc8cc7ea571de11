"""Real files judged by their structure and by Pillow: ``python -m tests.benchmarks.image_corpus``.

The files are test data of other projects, from Debian's source packages. Cut anywhere, none may be
accepted that Pillow cannot decode; whole, few may be refused that it decodes.
"""
