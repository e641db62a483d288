// A stream of calls from both ends: the caller's half (workers/client/call_mux.h) and the server's
// (engine/frontend/call_stream.h), with frames carried by hand.
#include "engine/frontend/call_stream.h"

#include <gmock/gmock.h>

#include <deque>
#include <random>
#include <utility>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/support/strand_loop.h"
#include "workers/client/call_mux.h"

namespace wfe::frontend {
namespace {

namespace ws = temporal::api::workflowservice::v1;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Keeps every call until the test answers it.
class Shelf final : public Dispatcher {
 public:
  struct Kept {
    std::string path;
    std::string request;
    std::shared_ptr<ServerCall> call;
  };
  void Dispatch(std::string_view service, std::string_view method, std::string_view request,
                std::shared_ptr<ServerCall> call) override {
    kept.push_back({std::string(service) + " " + std::string(method), std::string(request), std::move(call)});
  }
  std::deque<Kept> kept;
};

/// Both ends of one stream, and the frames between them.
class CallStreamTest : public ::testing::Test, public client::FrameSender, public FrameCarrier {
 protected:
  CallStreamTest() { Begin({}); }
  ~CallStreamTest() override { server_->Closed(); }

  void Begin(CallStreamLimits limits) {
    if (server_ != nullptr) server_->Closed();
    server_ = std::make_shared<CallStream>(shelf_, loop_, server_strand_, limits);
    mux_ = std::make_shared<client::CallMux>(*this, client_strand_);
    up_.clear();
    down_.clear();
  }
  /// The server takes the stream, and its welcome arrives.
  void Welcome() {
    server_->Open(*this, "one,other");
    CarryAll();
  }

  // Frames, kept as bytes.
  void Send(const calls::v1::CallerFrame& frame) override { up_.push_back(frame.SerializeAsString()); }
  void Send(const calls::v1::ServerFrame& frame) override { down_.push_back(frame.SerializeAsString()); }
  std::optional<std::string_view> Metadata(std::string_view name) const override {
    return name == "key" ? std::optional<std::string_view>("value") : std::nullopt;
  }
  std::string Peer() const override { return "a test"; }
  bool Hold(int64_t bytes) override {
    if (held_ + bytes > budget_) return false;
    held_ += bytes;
    return true;
  }
  void Free(int64_t bytes) override { held_ -= bytes; }
  void End(Error why) override { ended_ = std::move(why); }

  bool CarryUp() {
    if (up_.empty()) return false;
    calls::v1::CallerFrame frame;
    EXPECT_TRUE(frame.ParseFromString(up_.front()));
    up_.pop_front();
    mux_->Sent();
    server_->Received(frame);
    return true;
  }
  bool CarryDown() {
    if (down_.empty()) return false;
    calls::v1::ServerFrame frame;
    EXPECT_TRUE(frame.ParseFromString(down_.front()));
    down_.pop_front();
    frames_down_.push_back(frame.answers_size());
    server_->Sent();
    mux_->Received(std::move(frame));
    return true;
  }
  void CarryAll() {
    do {
      loop_.RunReady();
    } while (CarryUp() || CarryDown());
  }

  /// Calls and notes how it ended under `name`.
  std::shared_ptr<client::CallHandle> Call(const std::string& name, Duration timeout = 30s) {
    return Call(name, "a.Service", "Signal", {.timeout = timeout, .executor = &caller_strand_});
  }
  std::shared_ptr<client::CallHandle> Poll(const std::string& name, Duration timeout = 30s) {
    return Call(name, client::kWorkflowService, "PollActivityTaskQueue",
                {.timeout = timeout, .executor = &caller_strand_, .polls_for_task = true});
  }
  std::shared_ptr<client::CallHandle> Call(const std::string& name, std::string_view service, std::string_view method,
                                           const client::CallOptions& options) {
    ws::SignalWorkflowExecutionRequest request;
    request.set_signal_name(name);
    Function<void(Result<std::string>)> done = [this, name](Result<std::string> answer) {
      endings_.push_back(name + ": " + (answer ? *answer : answer.error().ToString()));
    };
    return mux_->Call(service, method, request, options, loop_.Now(), done);
  }

  testing::StrandLoop loop_;
  testing::StrandLoop::Strand server_strand_{loop_}, client_strand_{loop_}, caller_strand_{loop_};
  Shelf shelf_;
  std::shared_ptr<CallStream> server_;
  std::shared_ptr<client::CallMux> mux_;
  std::deque<std::string> up_, down_;
  std::vector<int> frames_down_;
  std::vector<std::string> endings_;
  std::optional<Error> ended_;
  int64_t held_ = 0;
  int64_t budget_ = 1 << 20;
};

TEST_F(CallStreamTest, BringsCallsToTheDispatcherAndAnswersToTheirCallers) {
  Welcome();
  Call("a");
  Call("b");
  CarryAll();
  ASSERT_EQ(shelf_.kept.size(), 2u);
  EXPECT_EQ(shelf_.kept[0].path, "a.Service Signal");
  EXPECT_EQ(shelf_.kept[0].call->Metadata("key"), "value");
  EXPECT_EQ(shelf_.kept[0].call->Metadata("other"), std::nullopt);
  EXPECT_TRUE(shelf_.kept[0].call->Supports("other"));
  EXPECT_FALSE(shelf_.kept[0].call->Supports("othe"));
  EXPECT_EQ(shelf_.kept[0].call->Deadline(), loop_.Now() + 30s);
  shelf_.kept[1].call->Reply(std::string("second"));
  shelf_.kept[0].call->Reply(NotFound("no such workflow"));
  CarryAll();
  EXPECT_THAT(endings_, ElementsAre("b: second", HasSubstr("a: NOT_FOUND: no such workflow")));
  EXPECT_EQ(server_->calls_in_progress(), 0);
  EXPECT_EQ(held_, 0);
}

TEST_F(CallStreamTest, TakesNoCallBeforeTheServerHasWelcomedTheCaller) {
  EXPECT_EQ(Call("early"), nullptr);
  EXPECT_FALSE(mux_->usable());
  Welcome();
  EXPECT_NE(Call("now"), nullptr);
}

TEST_F(CallStreamTest, CarriesTogetherWhatIsMadeTogether) {  // R3
  Welcome();
  for (int i = 0; i < 50; ++i) Call(std::to_string(i));
  loop_.RunReady();
  EXPECT_EQ(up_.size(), 1u);
  CarryAll();
  frames_down_.clear();
  for (const auto& kept : shelf_.kept) kept.call->Reply(std::string("x"));
  CarryAll();
  EXPECT_THAT(frames_down_, ElementsAre(50));
  EXPECT_EQ(endings_.size(), 50u);
}

TEST_F(CallStreamTest, KeepsFramesToTheirSize) {
  Begin({.max_frame_bytes = 10'000, .max_answer_frame_bytes = 1'000});  // a caller uses half of it
  Welcome();
  for (int i = 0; i < 20; ++i) Call(std::string(400, 'a'));
  EXPECT_EQ(Call(std::string(6'000, 'a')), nullptr) << "goes as a call of its own";
  loop_.RunReady();
  EXPECT_LE(up_.front().size(), 5'000u);
  CarryAll();
  ASSERT_EQ(shelf_.kept.size(), 20u);
  frames_down_.clear();
  shelf_.kept[0].call->Reply(std::string(3'000, 'x'));
  for (int i = 1; i < 6; ++i) shelf_.kept[static_cast<size_t>(i)].call->Reply(std::string(400, 'x'));
  CarryAll();
  EXPECT_THAT(frames_down_, ElementsAre(1, 2, 2, 1)) << "a large answer goes alone";
  EXPECT_EQ(endings_.size(), 6u);
}

TEST_F(CallStreamTest, TellsTheServerOfACallThatIsGivenUp) {  // pitfall 19
  Welcome();
  const auto handle = Call("a");
  CarryAll();
  bool told = false;
  shelf_.kept[0].call->OnCancel([&] { told = true; });
  handle->Cancel();
  handle->Cancel();
  CarryAll();
  EXPECT_TRUE(told);
  EXPECT_TRUE(shelf_.kept[0].call->IsCancelled());
  EXPECT_THAT(endings_, ElementsAre(HasSubstr("a: CANCELLED")));
  shelf_.kept[0].call->Reply(std::string("late"));
  CarryAll();
  EXPECT_EQ(endings_.size(), 1u);
}

TEST_F(CallStreamTest, EndsACallAtItsDeadline) {
  Welcome();
  Call("short", 2s);
  Call("long", 20s);
  CarryAll();
  EXPECT_EQ(mux_->Expire(loop_.Now() + 1s), loop_.Now() + 2s);
  EXPECT_EQ(mux_->Expire(loop_.Now() + 2s), loop_.Now() + 20s);
  CarryAll();
  EXPECT_THAT(endings_, ElementsAre(HasSubstr("short: DEADLINE_EXCEEDED: Signal was not answered in time")));
  EXPECT_TRUE(shelf_.kept[0].call->IsCancelled());
  EXPECT_FALSE(shelf_.kept[1].call->IsCancelled());
}

TEST_F(CallStreamTest, FailsWhatIsNotAnsweredWhenItBreaks) {
  Welcome();
  Call("sent");
  CarryAll();
  Call("waiting");
  EXPECT_TRUE(mux_->Broken(Unavailable("the connection is lost")));
  bool told = false;
  shelf_.kept[0].call->OnCancel([&] { told = true; });
  EXPECT_TRUE(server_->Closed());
  CarryAll();
  EXPECT_TRUE(told);
  EXPECT_THAT(endings_, ElementsAre(HasSubstr("sent: UNAVAILABLE"), HasSubstr("waiting: UNAVAILABLE")));
  EXPECT_EQ(Call("later"), nullptr);
  shelf_.kept[0].call->Reply(std::string("nobody waits"));
  CarryAll();
  EXPECT_THAT(down_, IsEmpty());
  EXPECT_EQ(held_, 0);
}

TEST_F(CallStreamTest, SaysWhenNothingTouchesTheTransportAnyMore) {
  Welcome();
  Call("a");
  loop_.RunReady();  // its frame is on its way
  EXPECT_FALSE(mux_->Broken(Unavailable("lost")));
  EXPECT_FALSE(mux_->Sent());
  Begin({});
  server_->Open(*this, {});  // the welcome is on its way
  EXPECT_FALSE(server_->Closed());
  EXPECT_FALSE(server_->Sent());
}

TEST_F(CallStreamTest, RefusesMoreCallsThanItsLimit) {
  Begin({.max_calls = 2});
  Welcome();
  EXPECT_NE(Call("a"), nullptr);
  EXPECT_NE(Call("b"), nullptr);
  EXPECT_EQ(Call("c"), nullptr) << "the caller keeps to it";
  CarryAll();
  calls::v1::CallerFrame rude;
  auto& call = *rude.add_calls();
  call.set_id(99);
  call.set_path("/a.Service/Signal");
  server_->Received(rude);
  loop_.RunReady();
  EXPECT_EQ(shelf_.kept.size(), 2u);
  calls::v1::ServerFrame frame;
  ASSERT_TRUE(frame.ParseFromString(down_.front()));
  EXPECT_EQ(frame.answers(0).failure().code(), static_cast<int>(StatusCode::kResourceExhausted));
}

TEST_F(CallStreamTest, TakesNoPollWithoutACreditSoThatItGoesAlone) {
  Begin({.max_polls = 2});
  Welcome();
  const auto first = Poll("first");
  EXPECT_NE(Poll("second"), nullptr);
  EXPECT_EQ(Poll("third"), nullptr) << "it must not wait here: its queue may have a task now";
  EXPECT_NE(Call("no poll"), nullptr);
  first->Cancel();
  EXPECT_NE(Poll("fourth"), nullptr) << "the credit is back";
  CarryAll();
  EXPECT_EQ(shelf_.kept.size(), 3u);
  shelf_.kept[0].call->Reply(std::string("a task"));
  CarryAll();
  EXPECT_NE(Poll("fifth"), nullptr);
  EXPECT_EQ(Poll("sixth"), nullptr);
  EXPECT_THAT(endings_, ElementsAre(HasSubstr("first"), "second: a task"));
}

TEST_F(CallStreamTest, RefusesAPollWithoutACredit) {
  Begin({.max_polls = 1});
  Welcome();
  calls::v1::CallerFrame rude;
  for (uint64_t id = 1; id <= 3; ++id) {
    rude.add_calls()->set_id(id);
    rude.mutable_calls(static_cast<int>(id) - 1)
        ->set_path("/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue");
  }
  rude.add_cancelled(3);
  server_->Received(rude);
  loop_.RunReady();
  EXPECT_EQ(shelf_.kept.size(), 1u);
  calls::v1::ServerFrame frame;
  ASSERT_TRUE(frame.ParseFromString(down_.front()));
  ASSERT_EQ(frame.answers_size(), 2);
  for (const auto& answer : frame.answers()) {
    EXPECT_EQ(answer.failure().code(), static_cast<int>(StatusCode::kResourceExhausted));
    EXPECT_THAT(answer.failure().message(), HasSubstr("max_polls_per_stream"));
  }
  // A credit comes back with the cancellation, whatever the handler still does.
  server_->Sent();
  calls::v1::CallerFrame next;
  next.add_cancelled(1);
  *next.add_calls() = rude.calls(0);
  next.mutable_calls(0)->set_id(4);
  server_->Received(next);
  EXPECT_EQ(shelf_.kept.size(), 2u);
  for (const auto& kept : shelf_.kept) kept.call->Reply(std::string());
  EXPECT_EQ(server_->calls_in_progress(), 0);
}

TEST_F(CallStreamTest, EndsWithACallerThatUsesAnIdTwice) {
  Welcome();
  calls::v1::CallerFrame rude;
  for (int i = 0; i < 2; ++i) {
    rude.add_calls()->set_id(7);
    rude.mutable_calls(i)->set_path("/a.Service/Signal");
  }
  server_->Received(rude);
  ASSERT_TRUE(ended_.has_value());
  EXPECT_THAT(ended_->message, HasSubstr("must grow"));
  EXPECT_EQ(shelf_.kept.size(), 1u);
}

TEST_F(CallStreamTest, RefusesAPathThatIsNone) {
  Welcome();
  for (const char* path : {"", "/", "Signal", "/Signal", "a/b"}) {
    calls::v1::CallerFrame frame;
    static uint64_t id = 100;
    frame.add_calls()->set_id(++id);
    frame.mutable_calls(0)->set_path(path);
    server_->Received(frame);
  }
  loop_.RunReady();
  EXPECT_THAT(shelf_.kept, IsEmpty());
  EXPECT_EQ(server_->calls_in_progress(), 0);
}

TEST_F(CallStreamTest, HoldsAnswersToTheServersBudget) {  // SEC-M1
  budget_ = 5'000;
  Welcome();
  for (int i = 0; i < 4; ++i) Call(std::to_string(i));
  CarryAll();
  for (const auto& kept : shelf_.kept) kept.call->Reply(std::string(2'000, 'x'));
  CarryAll();
  EXPECT_EQ(endings_.size(), 4u);
  EXPECT_THAT(endings_[3], HasSubstr("RESOURCE_EXHAUSTED"));
  EXPECT_EQ(held_, 0);
}

TEST_F(CallStreamTest, EndsWhenItsCallsAreAnswered) {
  Welcome();
  Call("a");
  CarryAll();
  server_->EndWhenIdle();
  EXPECT_FALSE(ended_.has_value());
  shelf_.kept[0].call->Reply(std::string("done"));
  CarryAll();
  EXPECT_THAT(endings_, ElementsAre("a: done"));
  ASSERT_TRUE(ended_.has_value());
  EXPECT_EQ(ended_->code, StatusCode::kUnavailable);
}

/// Whatever happens between them, each call ends once, and the server's books are empty at the end.
TEST_F(CallStreamTest, EveryCallEndsOnce) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto chance = [&](uint32_t in) { return random() % in == 0; };
    shelf_.kept.clear();
    endings_.clear();
    held_ = 0;
    budget_ = chance(3) ? 3'000 : 1 << 20;
    Begin({.max_calls = 20, .max_polls = 3, .max_frame_bytes = 8'000, .max_answer_frame_bytes = 500});
    server_->Open(*this, {});
    size_t made = 0;
    std::vector<std::shared_ptr<client::CallHandle>> handles;
    bool broken = false;
    for (int step = 0; step < 200; ++step) {
      if (chance(3)) {
        const auto timeout = 1s + std::chrono::milliseconds(random() % 2'000);
        const auto name = std::to_string(made);
        if (auto handle = chance(2) ? Poll(name, timeout) : Call(name, timeout)) {
          ++made;
          handles.push_back(std::move(handle));
        }
      }
      if (chance(4)) loop_.RunReady();
      if (chance(2)) CarryUp();
      if (chance(2)) CarryDown();
      if (chance(4) && !shelf_.kept.empty()) {
        const size_t one = random() % shelf_.kept.size();
        shelf_.kept[one].call->Reply(std::string(random() % 400, 'x'));
        shelf_.kept.erase(shelf_.kept.begin() + static_cast<std::ptrdiff_t>(one));
      }
      if (chance(15) && !handles.empty()) handles[random() % handles.size()]->Cancel();
      if (chance(10)) {
        loop_.Advance(std::chrono::milliseconds(random() % 500));
        mux_->Expire(loop_.Now());
      }
      if (chance(400)) {
        mux_->Broken(Unavailable("lost"));
        server_->Closed();
        broken = true;
      }
    }
    // The rest is carried and answered, or lost with the stream.
    if (broken) {
      up_.clear();
      down_.clear();
    }
    CarryAll();
    while (!shelf_.kept.empty()) {
      for (const auto& kept : std::exchange(shelf_.kept, {})) kept.call->Reply(std::string("at last"));
      CarryAll();
    }
    EXPECT_EQ(endings_.size(), made) << "seed " << seed;
    EXPECT_EQ(held_, 0) << "seed " << seed;
    for (const std::string& ending : endings_) EXPECT_THAT(ending, Not(HasSubstr("of one stream wait"))) << ending;
  }
}

}  // namespace
}  // namespace wfe::frontend
