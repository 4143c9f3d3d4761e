"""Our text of the gRPC protocol against the descriptors that tritonclient brings: any client of Triton's must read us."""

import pathlib
import subprocess
import tempfile
import unittest

from google.protobuf import descriptor_pb2
from tritonclient.grpc import model_config_pb2, service_pb2

PROTO = pathlib.Path(__file__).resolve().parents[2] / "src/server_grpc/proto"


def ours():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "descriptors"
        subprocess.run(["protoc", f"--proto_path={PROTO}", "--include_imports", f"--descriptor_set_out={path}",
                        "grpc_service.proto"], check=True)
        return list(descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file)


def theirs():
    files = []
    for module in (service_pb2, model_config_pb2):
        files.append(descriptor_pb2.FileDescriptorProto())
        module.DESCRIPTOR.CopyToProto(files[-1])
    return files


def fields_of(message, name):
    """{(message's full name, number): (name, label, type, type's name, oneof)} of a message and those within it."""
    fields = {}
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        fields[name, field.number] = (field.name, field.label, field.type, field.type_name, oneof)
    for enum in message.enum_type:
        fields[f"{name}.{enum.name}"] = {value.name: value.number for value in enum.value}
    for nested in message.nested_type:
        fields[f"{name}.{nested.name}"] = nested.options.map_entry
        fields |= fields_of(nested, f"{name}.{nested.name}")
    return fields


def messages_of(files):
    found = {}
    for file in files:
        for message in file.message_type:
            found |= fields_of(message, f"{file.package}.{message.name}")
        for enum in file.enum_type:
            found[f"{file.package}.{enum.name}"] = {value.name: value.number for value in enum.value}
    return found


def methods_of(files):
    return {(file.package, service.name, m.name): (m.input_type, m.output_type, m.client_streaming, m.server_streaming)
            for file in files for service in file.service for m in service.method}


class GrpcSchemaTest(unittest.TestCase):
    maxDiff = None

    def test_messages_are_the_same_on_the_wire(self):
        expected = messages_of(theirs())
        self.assertGreater(len(expected), 200)
        self.assertEqual(messages_of(ours()), expected)

    def test_methods_are_the_same(self):
        self.assertEqual(methods_of(ours()), methods_of(theirs()))


if __name__ == "__main__":
    unittest.main()
