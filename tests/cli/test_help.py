"""Help, version, completion, and words that are no commands."""

import subprocess

from cli_case import MODEL, Cli, burnish, command


class Help(Cli):
    def test_every_command_has_help_with_examples(self):
        overview = burnish("--help").stdout
        for command in ["build", "run", "bench", "compare", "inspect", "serve", "cost", "audit", "completion"]:
            self.assertIn(command, overview)
            self.assertIn("Examples:", burnish(command, "--help").stdout)

    def test_without_arguments_help_is_shown(self):
        self.assertIn("Subcommands:", burnish().stdout)

    def test_version(self):
        self.assertRegex(burnish("--version").stdout, r"^burnish \d+\.\d+\.\d+$")

    def test_completion_knows_commands_and_options(self):
        for shell in ["bash", "zsh", "fish"]:
            script = burnish("completion", shell).stdout
            for word in ["bench", "profile-steps", "timing-cache"]:
                self.assertIn(word, script)
        subprocess.run(["bash", "-n"], input=burnish("completion", "bash").stdout, text=True, check=True)

    def test_errors_cannot_upset_the_terminal(self):
        message = burnish("inspect", "red\x1b[31m.engine", expect=5).stderr
        self.assertNotIn("\x1b", message)
        self.assertIn("red?[31m.engine", message)

    def test_unknown_words_are_refused(self):
        self.assert_error("invalid_argument", 2, "bulid", MODEL)
        self.assert_error("invalid_argument", 2, "build", MODEL, "--no-such-option")
        self.assert_error("invalid_argument", 2, "bench")
