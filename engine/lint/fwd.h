#pragma once

namespace wfe::lint {
struct Finding;
struct LintOptions;
struct StoredRun;
struct StoreLintOptions;
struct RunHistory;
}  // namespace wfe::lint
