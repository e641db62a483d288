// Twelve permit documents with planted gaps, contradictions and deadlines (CW-2); tests/activities/packaged lists them.
#pragma once

#include <vector>

#include "activities/packaged/common/example_files.h"

namespace wfe::packaged {

const std::vector<ExampleFile>& PermitExample();

}  // namespace wfe::packaged
