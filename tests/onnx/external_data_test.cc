// Weights in files beside the model.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "onnx/model_builder.h"
#include "onnx/tensor_io.h"

namespace burnish {
namespace {

using onnx_test::ModelBuilder;
using ::testing::HasSubstr;

class ExternalDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::path(::testing::TempDir()) / (std::string("burnish_external_") + info->name());
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "model");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  /// A file of the floats 0, 1, 2, … below the root.
  void write_floats(const std::string& path, int n) {
    std::ofstream file(root_ / path, std::ios::binary);
    for (int i = 0; i < n; ++i) {
      const auto f = static_cast<float>(i);
      file.write(reinterpret_cast<const char*>(&f), sizeof f);
    }
  }

  static ModelBuilder model(const std::string& location, const std::string& offset, const std::string& length) {
    ModelBuilder builder;
    onnx::TensorProto tensor;
    tensor.set_name("w");
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(3);
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair{"location", location}, {"offset", offset}, {"length", length}}) {
      if (value.empty()) continue;
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    builder.initializer(tensor).output("w");
    return builder;
  }

  std::string directory() const { return (root_ / "model").string(); }

  float first_weight(const ModelBuilder& builder) {
    const Graph graph = builder.import(directory());
    return graph.value(graph.outputs()[0].value).constant.as<float>()[0];
  }

  std::filesystem::path root_;
};

TEST_F(ExternalDataTest, ReadsAtOffset) {
  write_floats("model/w.bin", 40);
  EXPECT_EQ(first_weight(model("w.bin", "128", "12")), 32);  // aligned: mapped
  EXPECT_EQ(first_weight(model("w.bin", "20", "12")), 5);    // not aligned: copied
  EXPECT_EQ(first_weight(model("w.bin", "148", "")), 37);    // to the end of the file
}

TEST_F(ExternalDataTest, BelongsToTheModelsHash) {
  write_floats("model/w.bin", 40);
  const auto first = model("w.bin", "0", "12").import(directory()).metadata.at("hash");
  std::fstream(root_ / "model/w.bin", std::ios::in | std::ios::out | std::ios::binary).put('x');
  EXPECT_NE(first, model("w.bin", "0", "12").import(directory()).metadata.at("hash"));
}

TEST_F(ExternalDataTest, MustStayBelowTheModel) {
  write_floats("secret.bin", 3);
  std::filesystem::create_symlink(root_ / "secret.bin", root_ / "model/link.bin");
  for (const std::string& location : {std::string("../secret.bin"), (root_ / "secret.bin").string(),
                                      std::string("link.bin"), std::string("x/../../secret.bin")}) {
    EXPECT_THAT(model(location, "", "").import_error(directory()), HasSubstr("not below the model's directory"));
  }
}

TEST_F(ExternalDataTest, MustBeThereAndLongEnough) {
  EXPECT_THAT(model("w.bin", "", "").import_error(directory()), HasSubstr("'w.bin' is missing"));
  write_floats("model/w.bin", 3);
  EXPECT_THAT(model("w.bin", "4", "12").import_error(directory()), HasSubstr("beyond the end"));
  EXPECT_THAT(model("w.bin", "18446744073709551615", "12").import_error(directory()), HasSubstr("beyond the end"));
  EXPECT_THAT(model("w.bin", "0", "8").import_error(directory()), HasSubstr("need 12 bytes"));
  EXPECT_THAT(model("w.bin", "-4", "8").import_error(directory()), HasSubstr("offset '-4'"));
  EXPECT_THAT(model("", "0", "8").import_error(directory()), HasSubstr("no location"));
  EXPECT_THAT(model("w.bin", "0", "12").import_error(""), HasSubstr("without a directory"));
}

TEST_F(ExternalDataTest, TensorFiles) {
  const auto proto = onnx_test::floats("t", {2}, {3, 4});
  std::ofstream(root_ / "t.pb", std::ios::binary) << proto.SerializeAsString();
  std::string name;
  EXPECT_EQ(read_tensor_proto((root_ / "t.pb").string(), &name).as<float>()[1], 4);
  EXPECT_EQ(name, "t");
  std::ofstream(root_ / "bad.pb") << "\xff\xff";
  EXPECT_THROW(read_tensor_proto((root_ / "bad.pb").string()), Error);
}

}  // namespace
}  // namespace burnish
