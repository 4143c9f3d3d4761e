// What happens to answers: the cache, their order, classes.
#include <thread>

#include "server/classification.h"
#include "server/response_cache.h"
#include "server/response_order.h"
#include "server/server_case.h"

namespace burnish::server {
namespace {

using namespace testing;  // NOLINT: the fixtures of this folder
using ::testing::ElementsAre;
using ::testing::IsEmpty;

InferResponse response_of(const std::vector<float>& values) {
  InferResponse response;
  const InputTensor tensor = float_tensor("y", {static_cast<int64_t>(values.size())}, values);
  response.outputs.push_back({"y", tensor.dtype, tensor.shape, tensor.data, {}, 0, false});
  return response;
}

TEST(ResponseCache, GivesWhatWasPutIn) {
  ResponseCache cache(1 << 20);
  const InferRequest request = request_of({float_tensor("x", {2}, {1, 2})});
  const auto key = ResponseCache::key_of(1, request);
  InferResponse found;
  EXPECT_FALSE(cache.find(key, found));
  cache.insert(key, 1, response_of({3, 4}));
  EXPECT_TRUE(cache.find(key, found));
  EXPECT_THAT(floats_of(found, "y"), ElementsAre(3, 4));
  EXPECT_TRUE(found.timing.from_cache);
  EXPECT_EQ(cache.state().hits, 1U);
  EXPECT_EQ(cache.state().misses, 1U);
}

TEST(ResponseCache, TellsRequestsApart) {
  const auto key = [](uint64_t owner, std::vector<InputTensor> inputs, const std::string& output = "") {
    InferRequest request = request_of(std::move(inputs));
    if (!output.empty()) request.outputs.emplace_back();
    if (!output.empty()) request.outputs[0].name = output;
    return ResponseCache::key_of(owner, request);
  };
  const auto base = key(1, {float_tensor("x", {2}, {1, 2})});
  EXPECT_EQ(base, key(1, {float_tensor("x", {2}, {1, 2})}));
  EXPECT_NE(base, key(2, {float_tensor("x", {2}, {1, 2})}));
  EXPECT_NE(base, key(1, {float_tensor("z", {2}, {1, 2})}));
  EXPECT_NE(base, key(1, {float_tensor("x", {1, 2}, {1, 2})}));
  EXPECT_NE(base, key(1, {float_tensor("x", {2}, {1, 3})}));
  EXPECT_NE(base, key(1, {float_tensor("x", {2}, {1, 2})}, "y"));
}

TEST(ResponseCache, ForgetsWhatWasNotUsedForLongest) {
  ResponseCache probe(1 << 20);
  const auto key = [](uint64_t n) { return ResponseCache::Key{n, n}; };
  probe.insert(key(0), 1, response_of({0}));
  ResponseCache cache(3 * probe.state().used_bytes);
  for (uint64_t n = 0; n < 3; ++n) cache.insert(key(n), n, response_of({static_cast<float>(n)}));
  InferResponse found;
  EXPECT_TRUE(cache.find(key(0), found));
  cache.insert(key(3), 3, response_of({3}));
  EXPECT_FALSE(cache.find(key(1), found));
  EXPECT_TRUE(cache.find(key(0), found));
  EXPECT_TRUE(cache.find(key(2), found));
  EXPECT_EQ(cache.state().evictions, 1U);
  cache.erase(2);
  EXPECT_FALSE(cache.find(key(2), found));
  EXPECT_EQ(cache.state().entries, 2U);
  cache.insert(key(9), 1, response_of(std::vector<float>(10'000)));  // larger than the cache
  EXPECT_FALSE(cache.find(key(9), found));
  EXPECT_LE(cache.state().used_bytes, cache.state().capacity_bytes);
}

TEST(ResponseCache, ServesAModelThatAsksForIt) {
  ModelConfig config;
  config.name = "affine";
  config.response_cache = true;
  VersionOptions options;
  options.response_cache = std::make_shared<ResponseCache>(1 << 20);
  const auto model = ModelVersion::load(config, "1", affine_engine(), options);
  InferRequest request = request_of({float_tensor("x", {1, 16}, numbers(16, 1))});
  const auto expected = executed_alone(affine_engine(), request);
  EXPECT_FALSE(infer(*model, request).timing.from_cache);
  request.id = "again";
  const InferResponse again = infer(*model, request);
  EXPECT_TRUE(again.timing.from_cache);
  EXPECT_EQ(again.id, "again");
  EXPECT_EQ(floats_of(again, "y"), expected.at("y"));
  EXPECT_EQ(model->statistics().cache_hit.count, 1U);
  EXPECT_EQ(model->statistics().cache_miss.count, 1U);
  EXPECT_EQ(model->statistics().execution_count, 1U);
  request.inputs[0].data.is_shared = true;  // it may change while it is looked at
  EXPECT_FALSE(infer(*model, request).timing.from_cache);
  model->drain(Clock::now());
  EXPECT_EQ(options.response_cache->state().entries, 0U);
}

TEST(ResponseOrder, HandsOutInTheOrderOfRequests) {
  const auto order = std::make_shared<ResponseOrder>();
  std::vector<std::string> seen;
  std::vector<ResponseCallback> callbacks;
  for (int i = 0; i < 4; ++i) {
    callbacks.push_back(order->next([&](InferResponse&& response) { seen.push_back(response.id); }));
  }
  const auto answer = [&](size_t i) {
    InferResponse response;
    response.id = std::to_string(i);
    callbacks[i](std::move(response));
  };
  answer(2);
  EXPECT_THAT(seen, IsEmpty());
  answer(0);
  EXPECT_THAT(seen, ElementsAre("0"));
  answer(1);
  EXPECT_THAT(seen, ElementsAre("0", "1", "2"));
  answer(3);
  EXPECT_THAT(seen, ElementsAre("0", "1", "2", "3"));
}

TEST(ResponseOrder, HoldsForAModelWithTwoInstances) {
  ModelConfig config;
  config.name = "conv";
  config.max_batch_size = 4;
  config.dynamic_batching.emplace();
  config.dynamic_batching->preserve_ordering = true;
  config.instance_groups.resize(1);
  config.instance_groups[0] = bound_config().instance_groups[0];
  config.instance_groups[0].count = 2;
  const auto model = ModelVersion::load(config, "1", conv_engine());
  constexpr int kRequests = 200;
  std::vector<std::string> seen;
  std::promise<void> done;
  for (int i = 0; i < kRequests; ++i) {
    InferRequest request = request_of({float_tensor("x", {1 + i % 4, 2, 6, 6}, numbers(72 * (1 + i % 4), 1))});
    if (i % 7 == 0) request.inputs[0].name = "wrong";  // refused at once, answered in its turn
    request.id = std::to_string(i);
    model->submit(std::move(request), [&](InferResponse&& response) {
      seen.push_back(response.id);
      if (seen.size() == kRequests) done.set_value();
    });
  }
  done.get_future().wait();
  for (int i = 0; i < kRequests; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], std::to_string(i));
}

TEST(Classification, BestFirstWithLabels) {
  const std::vector<float> scores{0.5F, 2, -1, 2, NAN};
  const auto classes = [&](uint32_t count, const std::vector<std::string>& labels) {
    return classify(DataType::kFloat32, scores.data(), scores.size(), count, labels);
  };
  EXPECT_THAT(classes(2, {"cat", "dog"}), ElementsAre("2.000000:1:dog", "2.000000:3"));
  EXPECT_THAT(classes(9, {}), ElementsAre("2.000000:1", "2.000000:3", "0.500000:0", "-1.000000:2", "nan:4"));
  const std::vector<int64_t> large{1, INT64_MAX - 1, INT64_MAX};
  EXPECT_THAT(classify(DataType::kInt64, large.data(), 3, 1, {}), ElementsAre("9223372036854775807:2"));
}

TEST(Classification, OfEveryItemOfARequest) {
  ModelConfig config;
  config.name = "conv";
  const auto model = ModelVersion::load(config, "1", conv_engine());
  InferRequest request = request_of({float_tensor("x", {3, 2, 6, 6}, numbers(216, 1))});
  const auto expected = executed_alone(conv_engine(), request).at("probabilities");
  request.outputs.emplace_back();
  request.outputs[0].name = "probabilities";
  request.outputs[0].num_classes = 1;
  const InferResponse response = infer(*model, request);
  ASSERT_EQ(response.outputs.size(), 1U);
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(3, 1));
  ASSERT_EQ(response.outputs[0].classes.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    const auto item = std::span(expected).subspan(4 * i, 4);
    const auto best = static_cast<size_t>(std::ranges::max_element(item) - item.begin());
    EXPECT_EQ(response.outputs[0].classes[i], fmt::format("{:.6f}:{}", item[best], best));
  }
}

}  // namespace
}  // namespace burnish::server
