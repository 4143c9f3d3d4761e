#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "server/config_json.h"
#include "server/config_pbtxt.h"
#include "server/engine_cache.h"
#include "server/model_name.h"
#include "server/version_policy.h"

namespace burnish::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& json) {
  try {
    parse_config_json(json);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

constexpr const char* kWhole = R"(
name: "resnet"   # a comment
platform: "onnxruntime_onnx"
max_batch_size: 32
input [ { name: "image" data_type: TYPE_FP32 dims: [ 3, 224, 224 ] } ]
output { name: 'logits', data_type: TYPE_FP32, dims: 1000, label_filename: "lab" "els.txt" };
instance_group [ { count: 2 kind: KIND_CPU } , { kind: KIND_CPU, cores: [0, 1] } ]
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 500
  priority_levels: 2
  default_priority_level: 1
  default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 9 max_queue_size: 100 }
  priority_queue_policy { key: 1 value: { max_queue_size: 7 } }
  priority_queue_policy { key: 2 value: { allow_timeout_override: false } }
}
version_policy: { specific { versions: [ 1, 3 ] } }
response_cache { enable: true }
model_warmup < name: "w" batch_size: 2 inputs { key: "image" value { data_type: TYPE_FP32 dims: 3 random_data: true } } >
parameters { key: "threads" value: { string_value: "3" } }
parameters { key: "length_buckets" value { string_value: "128,32" } }
)";

ModelConfig whole() {
  return parse_config_json(pbtxt_to_json(kWhole));
}

TEST(Config, ReadsTextFormat) {
  const ModelConfig config = whole();
  EXPECT_EQ(config.name, "resnet");
  EXPECT_EQ(config.max_batch_size, 32);
  ASSERT_EQ(config.inputs.size(), 1U);
  EXPECT_THAT(config.inputs[0].dims, ElementsAre(3, 224, 224));
  ASSERT_EQ(config.outputs.size(), 1U);
  EXPECT_THAT(config.outputs[0].dims, ElementsAre(1000));
  EXPECT_EQ(config.outputs[0].label_filename, "labels.txt");
  ASSERT_EQ(config.instance_groups.size(), 2U);
  EXPECT_EQ(config.instance_groups[0].count, 2);
  EXPECT_EQ(config.instance_groups[0].threads, 3);
  EXPECT_THAT(config.instance_groups[1].cores, ElementsAre(0, 1));
  EXPECT_TRUE(config.response_cache);
  ASSERT_EQ(config.warmup.size(), 1U);
  EXPECT_TRUE(config.warmup[0].inputs.at("image").random);
  EXPECT_THAT(config.version_policy.versions, ElementsAre(1, 3));
}

TEST(Config, ReadsBatching) {
  const DynamicBatching batching = whole().dynamic_batching.value();
  EXPECT_THAT(batching.preferred_batch_size, ElementsAre(4, 8));
  EXPECT_EQ(batching.max_queue_delay_us, 500U);
  EXPECT_TRUE(batching.default_queue_policy.delay_on_timeout);
  EXPECT_EQ(batching.default_queue_policy.max_queue_size, 100U);
  EXPECT_EQ(batching.priority_queue_policy.at(1).max_queue_size, 7U);
  EXPECT_FALSE(batching.priority_queue_policy.at(2).allow_timeout_override);
  EXPECT_THAT(batching.length_buckets, ElementsAre(32, 128));
}

TEST(Config, WhatIsWrittenReadsTheSame) {
  const std::string json = to_json(whole());
  EXPECT_EQ(to_json(parse_config_json(json)), json);
  EXPECT_THAT(json, HasSubstr("\"preferred_batch_size\":[4,8]"));
}

TEST(Config, CamelCaseAndNumbersAsText) {
  const ModelConfig config =
      parse_config_json(R"({"maxBatchSize": 4, "dynamicBatching": {"maxQueueDelayMicroseconds": "50"}})");
  EXPECT_EQ(config.max_batch_size, 4);
  EXPECT_EQ(config.dynamic_batching.value().max_queue_delay_us, 50U);
}

TEST(Config, NothingSaidIsInferred) {
  const ModelConfig config = parse_config_json("{}");
  EXPECT_EQ(config.max_batch_size, -1);
  EXPECT_FALSE(config.dynamic_batching);
}

TEST(Config, EnsembleAndSequences) {
  const ModelConfig pipeline = parse_config_json(pbtxt_to_json(R"(platform: "ensemble" ensemble_scheduling { step [
      { model_name: "a" model_version: -1 input_map { key: "x" value: "in" } output_map { key: "y" value: "mid" } },
      { model_name: "b" model_version: 2 input_map { key: "x" value: "mid" } output_map { key: "y" value: "out" } } ] })"));
  ASSERT_EQ(pipeline.ensemble.size(), 2U);
  EXPECT_EQ(pipeline.ensemble[1].model_version, 2);
  EXPECT_EQ(pipeline.ensemble[1].input_map.at("x"), "mid");
  EXPECT_EQ(to_json(parse_config_json(to_json(pipeline))), to_json(pipeline));
  const ModelConfig sequences = parse_config_json(pbtxt_to_json(R"(sequence_batching { max_sequence_idle_microseconds: 5
      direct { } control_input [ { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } ] } ]
      state [ { input_name: "h" output_name: "h2" data_type: TYPE_FP32 dims: [ 4 ] } ] })"));
  const SequenceBatching& batching = sequences.sequence_batching.value();
  ASSERT_EQ(batching.controls.size(), 1U);
  EXPECT_EQ(batching.controls[0].data_type, "TYPE_INT32");
  EXPECT_EQ(batching.states.at(0).output, "h2");
  EXPECT_EQ(to_json(parse_config_json(to_json(sequences))), to_json(sequences));
}

TEST(Config, WhatHasNoEffectIsNoted) {
  std::vector<std::string> notes;
  parse_config_json(R"({"optimization": {"graph": {"level": 1}}, "input": [{"name": "x", "format": "FORMAT_NCHW"}]})",
                    &notes);
  EXPECT_THAT(notes, testing::UnorderedElementsAre("optimization has no effect", "input[0].format has no effect"));
}

struct Refusal {
  const char* json;
  const char* message;
};
constexpr Refusal kRefusals[] = {
    {"[1]", "an object is wanted"},
    {"{", "no JSON"},
    {R"({"max_batchsize": 1})", "max_batchsize: there is no such field"},
    {R"({"max_batch_size": "many"})", "max_batch_size: an integer is wanted"},
    {R"({"max_batch_size": 99999999999})", "max_batch_size: 99999999999 is out of range"},
    {R"({"max_batch_size": 18446744073709551615})", "max_batch_size: an integer is wanted"},
    {R"({"max_batch_size": -2})", "max_batch_size: 0 or more is wanted"},
    {R"({"input": [{"dims": [1]}]})", "input[0]: name is missing"},
    {R"({"input": [{"name": "x", "dims": ["a"]}]})", "input[0].dims[0]: an integer is wanted"},
    {R"({"input": [{"name": "x", "reshape": {"shape": []}}]})", "input[0].reshape is not supported"},
    {R"({"instance_group": {"kind": "KIND_TPU"}})", "instance_group.kind: 'KIND_TPU'"},
    {R"({"instance_group": {"count": -1}})", "instance_group.count"},
    {R"({"dynamic_batching": {}, "sequence_batching": {}})", "exclude each other"},
    {R"({"dynamic_batching": {"default_queue_policy": {"timeout_action": "WAIT"}}})", "neither REJECT nor DELAY"},
    {R"({"model_transaction_policy": {"decoupled": true}})", "model_transaction_policy.decoupled is not supported"},
    {R"({"version_policy": {"specific": {}}})", "at least one version"},
    {R"({"parameters": {"length_buckets": "32;64"}})", "parameters['length_buckets']"},
    {R"({"parameters": {"threads": "0"}})", "parameters['threads']"},
    {R"({"parameters": {"a": 5}})", "parameters['a']: an object is wanted"}};

TEST(Config, EveryErrorNamesTheField) {
  for (const Refusal& refusal : kRefusals)
    EXPECT_THAT(error_of(refusal.json), HasSubstr(refusal.message)) << refusal.json;
}

constexpr Refusal kTextRefusals[] = {{"name \"x\"", "line 1, column 6: ':' or '{' is wanted"},
                                     {"a: 1\nname: \"x", "line 2"},
                                     {"input [ { name: \"x\" ", "'}' is missing"},
                                     {"input [ { } ", "',' or ']' is wanted"},
                                     {"name: \"\\q\"", "an unknown escape"},
                                     {"}", "the name of a field is wanted"},
                                     {"dims: -", "'-' is no value"},
                                     {"parameters: 4", "a key and a value"}};

TEST(Config, TextFormatErrorsNameThePlace) {
  for (const Refusal& refusal : kTextRefusals) {
    try {
      pbtxt_to_json(refusal.json);
      ADD_FAILURE() << refusal.json;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(refusal.message)) << refusal.json;
    }
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a {";
  EXPECT_THROW(pbtxt_to_json(deep), Error);
}

TEST(Config, NamesOfModels) {
  for (const auto* name : {"resnet50", "a.b-c_D", "0"}) EXPECT_TRUE(is_model_name(name)) << name;
  for (const auto* name : {"", ".", "..", ".hidden", "a/b", "a b", "a\\b", "ä", "a%2fb", "a\n"}) {
    EXPECT_FALSE(is_model_name(name)) << name;
  }
  EXPECT_FALSE(is_model_name(std::string(201, 'a')));
}

TEST(VersionPolicy, Chooses) {
  const std::vector<int64_t> present = {10, 2, 9, 1};
  VersionPolicy policy;
  EXPECT_THAT(choose_versions(policy, present).candidates, ElementsAre(10, 9, 2, 1));
  EXPECT_EQ(choose_versions(policy, present).wanted, 1U);
  policy.kind = VersionPolicy::Kind::kAll;
  EXPECT_EQ(choose_versions(policy, present).wanted, 4U);
  policy.kind = VersionPolicy::Kind::kSpecific;
  policy.versions = {9, 1, 77};
  EXPECT_THAT(choose_versions(policy, present).candidates, ElementsAre(9, 1));
  EXPECT_EQ(choose_versions(policy, present).wanted, 2U);
}

TEST(Config, ProfileOfABuild) {
  ModelConfig config;
  config.max_batch_size = 16;
  config.inputs = {{"image", {}, {3, 8, 8}, {}}, {"flag", {}, {}, {}}};
  EXPECT_EQ(build_profile_of(config), "image=1x3x8x8:8x3x8x8:16x3x8x8,flag=1:8:16");
  config.inputs[0].dims[1] = -1;
  EXPECT_EQ(build_profile_of(config), "");
}

}  // namespace
}  // namespace burnish::server
