package accountapi

import (
	"context"
	"net/http"

	"parley/shared/account"
	"parley/shared/api"
	"parley/shared/auth"
)

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type refreshToken struct {
	RefreshToken string `json:"refresh_token"`
}

// Login is the routes of the function login. Log-out is open: the refresh token
// proves the session that is to end, also when the access token has expired.
func Login(s *api.Service, a *account.Access, ring *auth.Keyring) map[string]http.Handler {
	return map[string]http.Handler{
		"POST /v1/login": api.Handle(s, api.Route{Status: http.StatusOK, Open: true},
			func(ctx context.Context, r *api.Request, in credentials) (account.Welcome, error) {
				return a.LogIn(ctx, r.Viewer, in.Email, in.Password)
			}),
		"POST /v1/token": api.Handle(s, api.Route{Status: http.StatusOK, Open: true},
			func(ctx context.Context, _ *api.Request, in refreshToken) (account.Pair, error) {
				return a.Refresh(ctx, in.RefreshToken)
			}),
		"POST /v1/logout": api.Handle(s, api.Route{Status: http.StatusNoContent, Open: true},
			func(ctx context.Context, _ *api.Request, in refreshToken) (api.None, error) {
				return api.None{}, a.LogOut(ctx, in.RefreshToken)
			}),
		"GET /.well-known/jwks.json": api.Handle(s, api.Route{Status: http.StatusOK, Open: true},
			func(ctx context.Context, r *api.Request, _ api.None) (auth.JWKS, error) {
				set, err := ring.JWKS(ctx)
				if err == nil {
					r.SetHeader("Cache-Control", "public, max-age=300")
				}
				return set, err
			}),
	}
}
