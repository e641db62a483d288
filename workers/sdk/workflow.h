// What workflow authors include.
//
//   Task<Greeting> Greet(WorkflowContext& ctx, GreetInput input) {
//     ComposeInput compose{.name = input.name};
//     Greeting greeting = co_await ctx.Activity(kCompose, compose, {.start_to_close = 10s});
//     co_await ctx.Sleep(1h);
//     co_return greeting;
//   }
//   registry.Register("Greet", &Greet);
//
// Rules, because of replay and because of GCC 12 (docs/sdk.md says more):
//   - only what the context gives: no clocks, files, threads, random devices, unordered iteration;
//   - name what you pass, then await; `T v = co_await F();` and then use v; no co_await in ?: or inside catch;
//   - coroutine parameters by value; a lambda that is itself a coroutine captures nothing;
//   - throw WorkflowFailure to fail the run; any other exception fails the workflow task, which is tried again.
#pragma once

#include "workers/sdk/activity.h"           // IWYU pragma: export
#include "workers/sdk/activity_options.h"   // IWYU pragma: export
#include "workers/sdk/cancellation.h"       // IWYU pragma: export
#include "workers/sdk/child_options.h"      // IWYU pragma: export
#include "workers/sdk/child_workflow.h"     // IWYU pragma: export
#include "workers/sdk/failure.h"            // IWYU pragma: export
#include "workers/sdk/future.h"             // IWYU pragma: export
#include "workers/sdk/signal_channel.h"     // IWYU pragma: export
#include "workers/sdk/task.h"               // IWYU pragma: export
#include "workers/sdk/workflow_context.h"   // IWYU pragma: export
#include "workers/sdk/workflow_info.h"      // IWYU pragma: export
#include "workers/sdk/workflow_registry.h"  // IWYU pragma: export
#include "workers/sdk/workflow_type.h"      // IWYU pragma: export
