// The way of a call: facts of its method, who calls, what is let in, and what becomes of it.
#include "engine/frontend/method_table.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using frontend::Access;
using frontend::CallContext;
using frontend::MethodFacts;
using frontend::Principal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CallsOfTheEngine : public testing::EngineFixture {
 protected:
  std::shared_ptr<testing::TestCall> Dispatch(const MethodFacts& method, const std::string& bytes = {}) {
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 1s);
    engine_->dispatcher().Dispatch(method.service, method.name, bytes, call);
    loop_.RunReady();
    return call;
  }
  int64_t Counted(const std::string& method, const std::string& status) {
    return metrics_.MakeCounter("wfe_calls", "", {{"method", method}, {"status", status}}).value();
  }
};

TEST_F(CallsOfTheEngine, EveryMethodInTheTableIsServedAndAsksForItsNamespaceFirst) {
  EXPECT_GE(frontend::AllMethods().size(), 40U);
  for (const MethodFacts& method : frontend::AllMethods()) {
    const auto call = Dispatch(method);
    if (!call->reply() || *call->reply()) continue;  // it waits, or has nothing to complain of
    const std::string& message = call->reply()->error().message;
    EXPECT_THAT(message, Not(HasSubstr("is not served"))) << method.name;
    if (method.in_namespace) {
      EXPECT_EQ(message, "Namespace not set on request.") << method.name;
    }
  }
  const auto unknown = Dispatch({.service = frontend::kWorkflowService, .name = "NoSuchMethod"});
  EXPECT_EQ(unknown->reply()->error().code, StatusCode::kUnimplemented);
  EXPECT_EQ(Counted("unserved", "UNIMPLEMENTED"), 1);
}

TEST_F(CallsOfTheEngine, CallsAreCountedByMethodAndStatus) {
  StartWorkflow("w");
  Signal("w", "s").Value();
  Signal("nobody", "s").error();
  auto poll = PollWorkflow("empty");
  EXPECT_EQ(Counted("StartWorkflowExecution", "OK"), 1);
  EXPECT_EQ(Counted("SignalWorkflowExecution", "OK"), 1);
  EXPECT_EQ(Counted("SignalWorkflowExecution", "NOT_FOUND"), 1);
  EXPECT_EQ(Counted("PollWorkflowTaskQueue", "OK"), 0) << "it waits";
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("wfe_call_seconds_count{method=\"StartWorkflowExecution\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("wfe_call_seconds_count{method=\"PollWorkflowTaskQueue\"")));
  EXPECT_GE(metrics_.MakeCounter("wfe_transitions", "").value(), 2);
}

/// Lets in who has the header "who": everybody for reading, "admin" for all.
class ByHeader final : public frontend::Authorizer {
 public:
  Result<Principal> Authorize(const CallContext& context) const override {
    seen.push_back(std::string(context.method->name) + " of " + context.ns + " from " + context.Peer());
    const auto who = context.Metadata("who");
    if (!who) return Error{StatusCode::kUnauthenticated, "say who you are", {}};
    if (*who != "admin" && context.method->access != Access::kRead) {
      return PermissionDenied(std::string(*who) + " may not " + std::string(AccessName(context.method->access)));
    }
    return Principal{std::string(*who)};
  }
  mutable std::vector<std::string> seen;
};

TEST_F(CallsOfTheEngine, WhoCallsIsAskedBeforeAnythingIsLetIn) {
  ByHeader authorizer;
  authorizer_ = &authorizer;
  options_.admission.max_calls = 1;
  Crash();
  Boot();
  const auto ask = [&](const std::string& method, const std::string& bytes, const std::string& who) {
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 1s);
    if (!who.empty()) call->headers["who"] = who;
    engine_->dispatcher().Dispatch(kService, method, bytes, call);
    loop_.RunReady();
    return *call->reply();
  };
  const std::string start = StartRequest("w").SerializeAsString();
  EXPECT_EQ(ask("StartWorkflowExecution", start, "").error().code, StatusCode::kUnauthenticated);
  EXPECT_EQ(ask("StartWorkflowExecution", start, "guest").error().message, "guest may not write");
  EXPECT_TRUE(ask("StartWorkflowExecution", start, "admin"));
  DescribeWorkflowExecutionRequest describe;
  describe.set_namespace_("default");
  describe.mutable_execution()->set_workflow_id("w");
  EXPECT_TRUE(ask("DescribeWorkflowExecution", describe.SerializeAsString(), "guest"));
  describe.set_namespace_("elsewhere");
  EXPECT_EQ(ask("DescribeWorkflowExecution", describe.SerializeAsString(), "guest").error().code,
            StatusCode::kNotFound);
  EXPECT_THAT(authorizer.seen,
              ElementsAre("StartWorkflowExecution of default from in-process",
                          "StartWorkflowExecution of default from in-process",
                          "StartWorkflowExecution of default from in-process",
                          "DescribeWorkflowExecution of default from in-process"))
      << "a namespace that is not there is nobody's";
  authorizer_ = nullptr;
}

TEST_F(CallsOfTheEngine, WhatIsRefusedBecauseOfTooMuchIsSaid) {
  options_.admission.max_calls = 1;
  options_.check_derived_every = 10s;
  Crash();
  Boot();
  auto parked = PollWorkflow("empty");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Signal("w", "s").error().code, StatusCode::kResourceExhausted);
  loop_.Advance(11s);
  const auto said = log_.Of("calls_refused");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(testing::NumberField(said[0], "calls"), 3);
}

// A call by itself.

class CallTest : public ::testing::Test {
 protected:
  std::shared_ptr<runtime::Admission> admission_ = std::make_shared<runtime::Admission>(
      runtime::AdmissionLimits{}, [] { return runtime::CommitBacklog{}; });
  testing::RecordedLog log_;
  MetricsRegistry metrics_;
  ManualClock clock_;
  std::shared_ptr<testing::TestCall> transport_ = std::make_shared<testing::TestCall>(Instant::max());
  std::optional<frontend::Call> call_{
      std::in_place, transport_,
      std::make_shared<const frontend::ServedMethod>(frontend::AllMethods()[0], admission_, clock_, log_, metrics_)};
};

TEST_F(CallTest, WhatAHandlerDropsIsAnsweredAndSaid) {
  auto copy = *call_;
  call_.reset();
  EXPECT_FALSE(transport_->reply().has_value()) << "somebody still has it";
  { const auto last = std::move(copy); }
  ASSERT_TRUE(transport_->reply().has_value());
  EXPECT_EQ(transport_->reply()->error().code, StatusCode::kInternal);
  EXPECT_THAT(transport_->reply()->error().message, HasSubstr("StartWorkflowExecution was dropped"));
  ASSERT_EQ(log_.Of("call_dropped").size(), 1U);
  EXPECT_EQ(testing::TextField(log_.Of("call_dropped")[0], "method"), "StartWorkflowExecution");
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("wfe_calls_total{method=\"StartWorkflowExecution\",status=\"INTERNAL\"} 1"));
}

TEST_F(CallTest, AnAnswerIsMeasuredAndTheLastCopyAddsNothing) {
  clock_.Advance(20ms);
  call_->ReplyBytes("answer");
  call_.reset();
  EXPECT_EQ(**transport_->reply(), "answer");
  EXPECT_TRUE(log_.records().empty());
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("wfe_call_seconds_bucket{method=\"StartWorkflowExecution\",le=\"0.025\"} 1"));
}

TEST_F(CallTest, ACallFinishesOnce) {
  call_->ReplyBytes("a");
  EXPECT_DEATH(call_->Fail(Internal("b")), "answered twice");
}

}  // namespace
}  // namespace wfe
