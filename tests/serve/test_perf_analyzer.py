"""Triton's perf_analyzer, unchanged, over both protocols."""

import concurrent.futures
import csv
import subprocess
import unittest

from serve_case import ROOT, ServeCase

# Three windows of so many requests; any spread between them will do: what is tested is understanding, not speed.
WINDOWS = ["--measurement-mode", "count_windows", "--measurement-request-count", "50", "--stability-percentage", "999"]


class PerfAnalyzer(ServeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fetched = subprocess.run([ROOT / "scripts/perf_analyzer.sh"], capture_output=True, text=True, check=True)
        cls.program = fetched.stdout.strip()

    def setUp(self):
        super().setUp()
        self.put("affine", config={"max_batch_size": 8, "dynamic_batching": {}})
        self.server = self.serve()

    def measure(self, number, protocol, *options):
        """The report's one row, by column."""
        url = self.server.http if protocol == "http" else self.server.grpc
        report = self.folder / f"report{number}.csv"
        command = [self.program, "-m", "affine", "-i", protocol, "-u", url, "-f", report, *WINDOWS, *options]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (row,) = csv.DictReader(report.read_text().splitlines())
        self.assertGreater(float(row["Inferences/Second"]), 0)
        return row

    def measure_all(self, *cases):
        """All at once: the program waits most of its time."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(lambda case: self.measure(case[0], *case[1]), enumerate(cases)))

    def test_measures_clients_and_server(self):
        options = ["--concurrency-range", "2", "-b", "2"]
        for row in self.measure_all(["http", *options], ["grpc", *options]):
            self.assertGreater(float(row["p99 latency"]), 0)
            self.assertIn("Server Compute Infer", row)

    def test_asynchronous(self):
        options = ["-a", "--concurrency-range", "4"]
        self.measure_all(["http", *options], ["grpc", *options], ["grpc", *options, "--streaming"])

    def test_shared_memory_and_json(self):
        shared = ["--shared-memory", "system", "--output-shared-memory-size", "4096"]
        json = ["--input-tensor-format", "json", "--output-tensor-format", "json"]
        self.measure_all(["http", *shared], ["http", *json])
        self.measure_all(["grpc", *shared])  # it names its regions alike in every process


if __name__ == "__main__":
    unittest.main()
