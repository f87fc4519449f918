#include "proxy/auth/pam.hpp"

#include <cstdlib>
#include <cstring>
#include <security/pam_appl.h>

namespace pgswitch {
namespace {

void free_answers(pam_response* answers, int count) {
  for (int i = 0; i < count; ++i) {
    if (answers[i].resp == nullptr) continue;
    explicit_bzero(answers[i].resp, std::strlen(answers[i].resp));
    std::free(answers[i].resp);
  }
  std::free(answers);
}

/// Every question that is not to be seen is one for the password; of anything else the client cannot be asked. PAM frees the answers.
int converse(int count, const pam_message** messages, pam_response** answers, void* data) noexcept {
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* const made = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (made == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO) continue;
    made[i].resp = style == PAM_PROMPT_ECHO_OFF ? strdup(static_cast<const std::string*>(data)->c_str()) : nullptr;
    if (made[i].resp != nullptr) continue;
    free_answers(made, count);
    return PAM_CONV_ERR;
  }
  *answers = made;
  return PAM_SUCCESS;
}

}  // namespace

bool check_pam_password(const std::string& service, const std::string& user, const std::string& host, const std::string& password,
                        std::string& error) {
  std::string copy = password;
  pam_conv conversation{};
  conversation.conv = converse;
  conversation.appdata_ptr = &copy;
  pam_handle_t* handle = nullptr;
  int status = pam_start(service.c_str(), user.c_str(), &conversation, &handle);
  const char* step = "pam_start";
  if (status == PAM_SUCCESS) status = pam_set_item(handle, PAM_RHOST, host.c_str()), step = "pam_set_item";
  if (status == PAM_SUCCESS) status = pam_authenticate(handle, PAM_SILENT), step = "pam_authenticate";
  if (status == PAM_SUCCESS) status = pam_acct_mgmt(handle, PAM_SILENT), step = "pam_acct_mgmt";
  if (status != PAM_SUCCESS) error = std::string(step) + "() failed: " + (handle ? pam_strerror(handle, status) : "no handle");
  if (handle != nullptr) pam_end(handle, status);
  explicit_bzero(copy.data(), copy.size());
  return status == PAM_SUCCESS;
}

}  // namespace pgswitch
