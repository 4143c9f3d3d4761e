"""What packaging/ holds says what this program understands. (The gateways' files: test_gateway.py.)"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from serve_case import BURNISH, LONG, ROOT, ServeCase

PACKAGING = ROOT / "packaging"


def options_in(text):
    """The options that follow `serve` in a file."""
    return set(re.findall(r"--[a-z-]+", text[text.index("serve") :]))


class Packaging(ServeCase):
    def test_options_exist(self):
        help_text = subprocess.run([BURNISH, "serve", "--help"], capture_output=True, text=True, timeout=LONG).stdout
        known = set(re.findall(r"--[a-z-]+", help_text))
        for file, pattern in (
            ("systemd/burnish.service", r"ExecStart=(.*)"),
            ("docker/Dockerfile", r"CMD (.*)"),
            ("kubernetes/deployment.yaml", r"args: (.*)"),
            ("kubernetes/servingruntime.yaml", r"exec burnish (.*\n.*)"),
        ):
            words = re.search(pattern, (PACKAGING / file).read_text()).group(1)
            used = options_in(words)
            self.assertTrue(used, file)
            self.assertLessEqual(used, known, file)

    @unittest.skipUnless('VERSION_ID="12"' in pathlib.Path("/etc/os-release").read_text(), "the image is of Debian 12")
    def test_the_image_has_every_library(self):
        listed = subprocess.run(["ldd", BURNISH], capture_output=True, text=True, check=True).stdout
        paths = [os.path.realpath(line.split()[2]) for line in listed.splitlines() if "=>" in line]
        files = ["*/x86_64-linux-gnu/" + pathlib.Path(path).name for path in paths]  # below /usr/lib or just /lib
        owners = subprocess.run(["dpkg", "-S", *files], capture_output=True, text=True, check=True).stdout
        needed = {line.split(":")[0] for line in owners.splitlines()}
        # What Debian's smallest image has, and libbz2 and libstdc++ that others of these bring along.
        there = {"libc6", "libgcc-s1", "zlib1g", "libbz2-1.0", "libstdc++6"}
        image = (PACKAGING / "docker/Dockerfile").read_text()
        self.assertEqual([package for package in needed - there if package not in image], [])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_unit(self):
        unit = self.folder / "burnish.service"
        unit.write_text((PACKAGING / "systemd/burnish.service").read_text().replace("/usr/local/bin/burnish", BURNISH))
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=LONG)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
