"""Engines of lower precision, measured on random samples."""

import json
import pathlib
import tempfile
import unittest

import numpy as np

from cli_case import MODEL, burnish


class PrecisionCase(unittest.TestCase):
    """Engines of lower precision, and what inspect tells of them."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)
        cls.samples = cls.folder / "samples.npz"
        images = np.random.default_rng().standard_normal((48, 1, 28, 28)).astype(np.float32)
        np.savez(cls.samples, image=images)
        cls.engine = cls.folder / "int8.engine"
        cls.built = cls.build(cls.engine)
        cls.report = json.loads(burnish("inspect", cls.engine, "--accuracy", "--json").stdout)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    @classmethod
    def build(cls, engine, *options, model=MODEL, **kwargs):
        options = options or ("--int8", "--accuracy-drop", "none")
        if "--int8" in options:
            options += ("--calibrate", cls.samples)
        return burnish("build", model, "-o", engine, "--opt-level", 2, "--threads", 2, *options, **kwargs)

    def inspect(self, *args, **kwargs):
        return burnish("inspect", *args, **kwargs)

    def page_of(self, engine):
        file = self.folder / "page.html"
        file.unlink(missing_ok=True)
        self.inspect(engine, "--accuracy", "--html", file)
        self.assertEqual([f.name for f in self.folder.iterdir() if f.name.startswith("page.html")], ["page.html"])
        return file.read_text(encoding="utf-8")

    def metric(self, name, *values):
        """A metric that gives these values one after the other, then the last one again and again."""
        script, count = self.folder / f"{name}.sh", self.folder / f"{name}.count"
        script.write_text(f"#!/bin/sh\necho >> {count}\nset -- {' '.join(map(str, values))}\n"
                          f"n=$(wc -l < {count})\n[ $n -gt $# ] && n=$#\neval echo \\${{$n}}\n")
        script.chmod(0o755)
        return script

    def assert_drawable(self, page):
        for name, value in page.attributes:
            if name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "d", "viewbox", "transform"):
                self.assertNotRegex(value, "nan|inf")
