package accountapi

import (
	"context"
	"net/http"

	"parley/shared/account"
	"parley/shared/api"
)

// SignUp is the routes of the function signup.
func SignUp(s *api.Service, g *account.Registration) map[string]http.Handler {
	return map[string]http.Handler{
		"POST /v1/signup": api.Handle(s, api.Route{Status: http.StatusCreated, Open: true},
			func(ctx context.Context, r *api.Request, in account.Application) (account.Welcome, error) {
				return g.SignUp(ctx, r.Viewer, in)
			}),
	}
}
