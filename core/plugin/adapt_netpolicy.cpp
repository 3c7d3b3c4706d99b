// SPDX-License-Identifier: Apache-2.0
#include "plugin/adapt.h"

namespace scc::plugin {

namespace {

using PolicyInstance = Instance<scc_netpolicy_v1, scc_netpolicy>;
using Use = Caller::Use;

class NetPolicyAdapter final : public NetPolicy {
 public:
  explicit NetPolicyAdapter(std::shared_ptr<PolicyInstance> instance) : i_(std::move(instance)) {}

  const ComponentRef& ref() const noexcept override { return i_->caller.ref(); }

  void bind(Runtime& runtime, RuntimeScope scope) override {
    service_ = std::make_unique<RuntimeService>(runtime, std::move(scope));
    i_->host.set_runtime(service_->table());
  }
  Result<json::Value> plan(const json::Value& request) override {
    return exchange("plan", "netpolicy-request", request, "netpolicy-plan", i_->table->plan);
  }
  Result<json::Value> apply(const json::Value& plan) override {
    return exchange("apply", "netpolicy-plan", plan, "netpolicy-attachment", i_->table->apply);
  }
  Result<json::Value> verify(const json::Value& attachment) override {
    return exchange("verify", "netpolicy-attachment", attachment, "netpolicy-evidence", i_->table->verify);
  }
  Status release(const json::Value& attachment) override {
    SCC_TRY(const std::string text, Caller::request("netpolicy-attachment", attachment));
    return i_->caller.call("release", Use::cleanup, [&](const scc_error_sink* err) {
      return i_->table->release(i_->self, view(text), err);
    });
  }

 private:
  template <class Verb>
  Result<json::Value> exchange(const char* name, std::string_view in, const json::Value& request,
                               std::string_view out_schema, Verb verb) {
    SCC_TRY(const std::string text, Caller::request(in, request));
    return i_->caller.document(
        name, Use::normal, out_schema,
        [&](const scc_sink* out, const scc_error_sink* err) { return verb(i_->self, view(text), out, err); });
  }

  std::unique_ptr<RuntimeService> service_;  // outlives the instance, whose destroy may still use it
  std::shared_ptr<PolicyInstance> i_;
};

}  // namespace

Result<std::unique_ptr<NetPolicy>> adapt_netpolicy(ComponentSource source) {
  SCC_TRY(auto instance, PolicyInstance::create(std::move(source)));
  return std::unique_ptr<NetPolicy>(std::make_unique<NetPolicyAdapter>(std::move(instance)));
}

}  // namespace scc::plugin
