package accountapi

import (
	"context"
	"net/http"

	"parley/shared/account"
	"parley/shared/api"
	"parley/shared/problem"
)

type password struct {
	Password string `json:"password"`
}

type token struct {
	Token string `json:"token"`
}

// reset is one of two bodies: {email} asks for a link, {token, password} uses it.
type reset struct {
	Email    *string `json:"email"`
	Token    *string `json:"token"`
	Password *string `json:"password"`
}

var errResetShape = problem.New(problem.Invalid, "reset_shape", "Send either email, or token and password.")

// Upkeep is the routes of the function account.
func Upkeep(s *api.Service, k *account.Upkeep) map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/me": api.Handle(s, api.Route{Status: http.StatusOK},
			func(ctx context.Context, r *api.Request, _ api.None) (account.Overview, error) {
				return k.Me(ctx, r.User.User)
			}),
		"DELETE /v1/me": api.Handle(s, api.Route{Status: http.StatusAccepted},
			func(ctx context.Context, r *api.Request, in password) (api.None, error) {
				return api.None{}, k.Delete(ctx, r.User.User, in.Password)
			}),
		"POST /v1/verify-email": api.Handle(s, api.Route{Status: http.StatusNoContent, Open: true},
			func(ctx context.Context, _ *api.Request, in token) (api.None, error) {
				return api.None{}, k.VerifyEmail(ctx, in.Token)
			}),
		"POST /v1/verify-email/resend": api.Handle(s, api.Route{Status: http.StatusNoContent},
			func(ctx context.Context, r *api.Request, _ api.None) (api.None, error) {
				return api.None{}, k.ResendVerification(ctx, r.User.User)
			}),
		"POST /v1/reset-password": api.Handle(s, api.Route{Status: http.StatusNoContent, Open: true},
			func(ctx context.Context, r *api.Request, in reset) (api.None, error) {
				return api.None{}, in.do(ctx, r, k)
			}),
	}
}

func (in reset) do(ctx context.Context, r *api.Request, k *account.Upkeep) error {
	switch {
	case in.Email != nil && in.Token == nil && in.Password == nil:
		r.SetStatus(http.StatusAccepted)
		return k.RequestReset(ctx, r.Viewer, *in.Email)
	case in.Email == nil && in.Token != nil && in.Password != nil:
		return k.ResetPassword(ctx, r.Viewer, *in.Token, *in.Password)
	}
	return errResetShape
}
