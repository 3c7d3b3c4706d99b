// SPDX-License-Identifier: Apache-2.0
#include "plugin/adapt.h"

namespace scc::plugin {

namespace {

using ProviderInstance = Instance<scc_provider_v1, scc_provider>;
using Use = Caller::Use;

class ProviderAdapter final : public Provider {
 public:
  explicit ProviderAdapter(std::shared_ptr<ProviderInstance> instance) : i_(std::move(instance)) {}

  const ComponentRef& ref() const noexcept override { return i_->caller.ref(); }

  Result<json::Value> plan_launch(const json::Value& request) override {
    SCC_TRY(const std::string text, Caller::request("launch-request", request));
    return i_->caller.document("plan_launch", Use::normal, "launch-spec",
                               [&](const scc_sink* out, const scc_error_sink* err) {
                                 return i_->table->plan_launch(i_->self, view(text), out, err);
                               });
  }

  Result<json::Value> auth_status(const json::Value& request) override {
    SCC_TRY(const std::string text, Caller::request("auth-request", request));
    return i_->caller.document("auth_status", Use::normal, "auth-status",
                               [&](const scc_sink* out, const scc_error_sink* err) {
                                 return i_->table->auth_status(i_->self, view(text), out, err);
                               });
  }

  Result<json::Value> plan_login(const json::Value& request) override {
    if (!SCC_HAS(i_->table, plan_login)) {
      return fail(Kind::prereq, "provider.no-login", "the plugin of " + ref().id + " cannot sign in",
                  "start the agent in a terminal and sign in there");
    }
    SCC_TRY(const std::string text, Caller::request("login-request", request));
    return i_->caller.document("plan_login", Use::normal, "login-plan",
                               [&](const scc_sink* out, const scc_error_sink* err) {
                                 return i_->table->plan_login(i_->self, view(text), out, err);
                               });
  }

 private:
  std::shared_ptr<ProviderInstance> i_;
};

}  // namespace

Result<std::unique_ptr<Provider>> adapt_provider(ComponentSource source) {
  SCC_TRY(auto instance, ProviderInstance::create(std::move(source)));
  return std::unique_ptr<Provider>(std::make_unique<ProviderAdapter>(std::move(instance)));
}

}  // namespace scc::plugin
