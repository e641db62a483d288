// The order of what is owed, and how often it is tried.
#include "engine/shard/outbox.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/support/recorded_log.h"
#include "tests/support/strand_loop.h"

namespace wfe::shard {
namespace {

using namespace std::chrono_literals;
using history::Obligation;
using history::ObligationId;
using history::Refusal;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Keeps deliveries until the test answers them.
class HeldRouter final : public Router {
 public:
  struct Delivery {
    std::string name;
    Callback<Refusal> done;
  };
  void Start(ws::StartWorkflowExecutionRequest, Callback<StartOutcome>) override { ADD_FAILURE(); }
  void Mutate(Target, history::Input, Callback<MutateOutcome>) override { ADD_FAILURE(); }
  void WatchChain(Target, Callback<ChainEnd>) override { ADD_FAILURE(); }
  void Forget(const WorkflowKey&, ObligationId) override { ADD_FAILURE(); }
  void Deliver(ObligationId id, std::shared_ptr<const Obligation> obligation, Callback<Refusal> done) override {
    delivered.push_back({obligation->workflow_id() + "/" + std::to_string(id.number), std::move(done)});
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const Delivery& delivery : delivered) names.push_back(delivery.name);
    return names;
  }
  std::vector<Delivery> delivered;
};

class OutboxTest : public ::testing::Test {
 protected:
  static ObligationId Id(int64_t number, const std::string& run = "r") {
    return {{Namespace("default"), WorkflowId("owner"), RunId(run)}, number};
  }
  void Add(int64_t number, const std::string& receiver, bool answered = true) {
    auto obligation = std::make_shared<Obligation>();
    obligation->set_workflow_id(receiver);
    if (answered) {
      obligation->mutable_signal();
    } else {
      obligation->mutable_close_child();
    }
    Run([&] { outbox_.Add(Id(number), obligation); });
  }
  void Answer(size_t place, Result<Refusal> answer) {
    Run([&] { router_.delivered.at(place).done(std::move(answer)); });
  }
  void Run(const std::function<void()>& work) {
    strand_.Post([work] { work(); });
    loop_.RunReady();
  }

  demo::StrandLoop loop_;
  demo::StrandLoop::Strand strand_{loop_};
  HeldRouter router_;
  std::set<std::string> closed_;
  std::vector<std::string> settled_;
  testing::RecordedLog log_;
  Outbox outbox_{{.timers = loop_,
                  .executor = strand_,
                  .is_open = [this](const ExecutionKey& key) { return !closed_.contains(key.run_id.value()); },
                  .acknowledge =
                      [this](const ObligationId& id, const Outbox::Duty&, std::optional<Refusal> answer) {
                        settled_.push_back(std::to_string(id.number) + (answer.has_value() ? "" : " dropped"));
                      },
                  .log = &log_}};
};

TEST_F(OutboxTest, WhatOneRunOwesToOneWorkflowGoesInOrderAndTheRestSideBySide) {
  Run([&] { outbox_.Connect(router_); });
  Add(1, "a");
  Add(2, "a");
  Add(3, "b");
  EXPECT_THAT(router_.Names(), ElementsAre("a/1", "b/3"));
  Answer(1, Refusal::kNone);
  Answer(0, Refusal::kNotFound);
  EXPECT_THAT(router_.Names(), ElementsAre("a/1", "b/3", "a/2"));
  EXPECT_THAT(settled_, ElementsAre("3", "1"));
  EXPECT_EQ(outbox_.size(), 1u);
}

TEST_F(OutboxTest, NothingIsDeliveredBeforeItIsConnectedAndThenTheOldestComesFirst) {
  Add(7, "a");
  Add(2, "a");  // stored before, read later
  EXPECT_THAT(router_.Names(), IsEmpty());
  Run([&] { outbox_.Connect(router_); });
  EXPECT_THAT(router_.Names(), ElementsAre("a/2"));
  Add(1, "a");  // never before one that is under way
  Answer(0, Refusal::kNone);
  EXPECT_THAT(router_.Names(), ElementsAre("a/2", "a/1"));
}

TEST_F(OutboxTest, WhatCannotBeTakenNowIsTriedAgainLaterAndLater) {
  Run([&] { outbox_.Connect(router_); });
  Add(1, "a");
  Add(2, "a");
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(router_.delivered.size(), static_cast<size_t>(i + 1));
    Answer(static_cast<size_t>(i), Unavailable("not now"));
    loop_.Advance(99ms * (1 << i));
    EXPECT_EQ(router_.delivered.size(), static_cast<size_t>(i + 1)) << "it waits twice as long each time";
    loop_.Advance(1ms * (1 << i));
  }
  EXPECT_EQ(router_.delivered.size(), 7u);
  EXPECT_THAT(settled_, IsEmpty()) << "it is owed until it has an answer";
  EXPECT_THAT(log_.warnings(), ElementsAre(::testing::HasSubstr("cannot be delivered, and is tried again: not now")));
  Answer(6, Refusal::kNone);
  EXPECT_THAT(settled_, ElementsAre("1"));
  EXPECT_EQ(router_.Names().back(), "a/2");
}

TEST_F(OutboxTest, NobodyIsAskedForAnAnswerThatNobodyWouldHear) {  // S78
  closed_.insert("r");
  Run([&] { outbox_.Connect(router_); });
  Add(1, "a");
  Add(2, "a", /*answered=*/false);
  EXPECT_THAT(settled_, ElementsAre("1 dropped"));
  EXPECT_THAT(router_.Names(), ElementsAre("a/2")) << "what is owed at the close is owed by closed runs";
}

TEST_F(OutboxTest, StopsWithoutAWord) {
  Run([&] { outbox_.Connect(router_); });
  Add(1, "a");
  Run([&] { outbox_.Stop(); });
  Answer(0, Refusal::kNone);
  Add(2, "b");
  EXPECT_THAT(settled_, IsEmpty());
  EXPECT_THAT(router_.Names(), ElementsAre("a/1"));
}

}  // namespace
}  // namespace wfe::shard
