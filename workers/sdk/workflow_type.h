// The name of a workflow with its types, for those who start it as a child.
#pragma once

#include <string_view>

namespace wfe::sdk {

/// Fixes input and result for both sides:
///   inline constexpr WorkflowType<PackageInput, Package> kPackage{"Package"};
///   registry.Register(kPackage, &MakePackage);
///   ChildHandle<Package> child = ctx.StartChild(kPackage, input);
template <class Input, class Output>
struct WorkflowType {
  using input_type = Input;
  using output_type = Output;
  std::string_view name;
};

}  // namespace wfe::sdk
