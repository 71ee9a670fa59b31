"""Sign-in, one's own account, logins and API keys, in the HTTP API."""

from __future__ import annotations

from clinic_api.auth import flows, users
from clinic_api.auth.account import (
    Account,
    EndSession,
    SessionResult,
    end_session,
    list_sessions,
    read_account,
)
from clinic_api.auth.api_keys import (
    ApiKeyResult,
    CreateApiKey,
    CreatedApiKey,
    ListApiKeys,
    RevokeApiKey,
    create_api_key,
    list_api_keys,
    revoke_api_key,
)
from clinic_api.auth.email import (
    ChangeEmail,
    Verified,
    VerifyEmail,
    ask_verification,
    verify_email,
)
from clinic_api.auth.entry import Asking, AskReset, Register, ask_reset, register
from clinic_api.auth.factors import BeginFactor, ConfirmFactor, RecoveryCodes, renew_recovery_codes
from clinic_api.auth.model import UserResult
from clinic_api.auth.service import Nothing, ShowCode, SignedIn
from clinic_api.http.route import Route
from clinic_api.paging import Page

ROUTES: tuple[Route, ...] = (
    # sign-in
    Route("POST", "/sign-in", flows.sign_in, flows.SignIn, SignedIn),
    Route("POST", "/sign-in/second-factor", flows.show_second_factor, ShowCode, SignedIn),
    Route("POST", "/sign-out", flows.sign_out, Nothing, None),
    Route("POST", "/account/register", register, Register, Asking, status=202),
    Route("POST", "/account/activate", flows.activate_by_link, flows.ActivateByLink, SignedIn),
    Route("POST", "/account/activate/code", flows.activate_by_code, flows.ActivateByCode, SignedIn),
    Route("POST", "/account/password/ask", ask_reset, AskReset, Asking, status=202),
    Route("POST", "/account/password/reset", flows.reset_password, flows.ResetPassword, None),
    Route("POST", "/account/password/reset/code", flows.reset_by_code, flows.ResetByCode, None),
    Route("POST", "/account/email/verify", verify_email, VerifyEmail, Verified),
    # one's own account
    Route("GET", "/account", read_account, Nothing, Account),
    Route("POST", "/account/step-up", flows.step_up, ShowCode, Account),
    Route("POST", "/account/password", flows.change_password, flows.ChangePassword, None),
    Route("POST", "/account/factor", flows.begin_enrolment, BeginFactor, flows.Enrolment),
    Route(
        "POST",
        "/account/factor/confirm",
        flows.confirm_enrolment,
        ConfirmFactor,
        flows.EnrolledFactor,
    ),
    Route("POST", "/account/recovery-codes", renew_recovery_codes, Nothing, RecoveryCodes),
    Route("POST", "/account/email", flows.change_email, ChangeEmail, UserResult),
    Route("POST", "/account/email/ask", ask_verification, Nothing, UserResult, status=202),
    Route("GET", "/account/sessions", list_sessions, Nothing, Page[SessionResult]),
    Route("DELETE", "/account/sessions/{session_id}", end_session, EndSession, None),
    # logins, by administrators and the desk
    Route("GET", "/users", users.list_users, users.ListUsers, Page[UserResult]),
    Route("GET", "/users/{user_id}", users.read_user, users.OneUser, UserResult),
    Route("PUT", "/users/{user_id}/roles", users.change_roles, users.ChangeRoles, UserResult),
    Route(
        "POST",
        "/users/{user_id}/activation-code",
        users.issue_activation_code,
        users.OneUser,
        users.IssuedCode,
    ),
    Route(
        "POST",
        "/users/{user_id}/reset-code",
        users.issue_reset_code,
        users.OneUser,
        users.IssuedCode,
    ),
    Route(
        "POST", "/users/{user_id}/reset-factor", users.reset_factor, users.OneUser, users.IssuedCode
    ),
    Route("POST", "/users/{user_id}/enable", users.enable_user, users.OneVersion, UserResult),
    # keys of programs
    Route("GET", "/api-keys", list_api_keys, ListApiKeys, Page[ApiKeyResult]),
    Route("POST", "/api-keys", create_api_key, CreateApiKey, CreatedApiKey, status=201),
    Route("DELETE", "/api-keys/{key_id}", revoke_api_key, RevokeApiKey, ApiKeyResult),
)
