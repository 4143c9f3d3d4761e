"""A few seconds of tests/serve/soak.py; half an hour of it is for releases."""

import unittest

from soak import soak


class Soak(unittest.TestCase):
    def test_mixed_load_while_models_change(self):
        problems, _ = soak(8, say=lambda text: None)
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main()
