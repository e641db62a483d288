// The parts of ReviewPermits.
#pragma once

#include <vector>

#include "activities/packaged/permits/review.h"

namespace wfe::packaged {

void DateDeadlines(PermitReview& review, const ReviewSettings& settings);
void JudgeDeadlines(const PermitReview& review, std::vector<PermitFinding>& findings);
/// What documents say about the same thing, differently.
void CompareDocuments(const PermitReview& review, std::vector<PermitFinding>& findings);

}  // namespace wfe::packaged
