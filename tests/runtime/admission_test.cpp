// What is under way is counted, and too much of it is refused with a cause (F5, F17).
#include "engine/runtime/admission.h"

#include <gmock/gmock.h>

#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace enums = temporal::api::enums::v1;

enums::ResourceExhaustedCause CauseOf(const Error& error) {
  temporal::api::errordetails::v1::ResourceExhaustedFailure failure;
  EXPECT_EQ(error.code, StatusCode::kResourceExhausted) << error.ToString();
  EXPECT_TRUE(error.details.size() == 1 && failure.ParseFromString(error.details[0].bytes));
  return failure.cause();
}

TEST(AdmissionTest, CallsAndTheirBytesAreCountedInAndOut) {  // F17
  Admission admission({.max_calls = 2, .max_request_bytes = 100}, [] { return CommitBacklog{}; });
  EXPECT_TRUE(admission.Admit(60));
  EXPECT_THAT(admission.Admit(41).error().message, HasSubstr("max_request_bytes"));
  EXPECT_TRUE(admission.Admit(40));
  EXPECT_THAT(admission.Admit(0).error().message, HasSubstr("max_calls"));
  EXPECT_EQ(CauseOf(admission.Admit(0).error()), enums::RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED);
  admission.Answered(60);
  EXPECT_TRUE(admission.Admit(60));
  EXPECT_EQ(admission.calls(), 2);
  EXPECT_EQ(admission.request_bytes(), 100);
}

TEST(AdmissionTest, AnOverloadBeginsAtTheLimitAndEndsAtHalfOfIt) {  // F5
  CommitBacklog backlog;
  Admission admission({.max_pending_commits = 10, .max_pending_commit_bytes = 1000}, [&] { return backlog; });
  std::vector<bool> told;
  admission.OnOverload([&](bool overloaded) { told.push_back(overloaded); });
  backlog = {10, 1000};
  EXPECT_TRUE(admission.Admit(1));
  backlog = {1, 1001};
  EXPECT_EQ(CauseOf(admission.Admit(1).error()), enums::RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED);
  backlog = {1, 600};
  EXPECT_FALSE(admission.Admit(1));
  backlog = {1, 500};
  EXPECT_TRUE(admission.Admit(1));
  EXPECT_THAT(told, ElementsAre(true, false));
}

}  // namespace
}  // namespace wfe::runtime
