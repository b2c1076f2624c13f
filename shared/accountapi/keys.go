package accountapi

import (
	"context"
	"net/http"

	"parley/shared/account"
	"parley/shared/api"
)

type newKey struct {
	Name string `json:"name"`
	Days *int   `json:"expires_in_days"`
}

type keyList struct {
	Items []account.PAT `json:"items"`
}

// Keys is the routes of the function account that personal access tokens have.
func Keys(s *api.Service, k *account.Keyholder) map[string]http.Handler {
	return map[string]http.Handler{
		"POST /v1/keys": api.Handle(s, api.Route{Status: http.StatusCreated},
			func(ctx context.Context, r *api.Request, in newKey) (account.NewPAT, error) {
				return k.Make(ctx, r.User, in.Name, in.Days)
			}),
		"GET /v1/keys": api.Handle(s, api.Route{Status: http.StatusOK},
			func(ctx context.Context, r *api.Request, _ api.None) (keyList, error) {
				items, err := k.List(ctx, r.User)
				return keyList{items}, err
			}),
		"DELETE /v1/keys/{key_id}": api.Handle(s, api.Route{Status: http.StatusNoContent},
			func(ctx context.Context, r *api.Request, _ api.None) (api.None, error) {
				return api.None{}, k.Remove(ctx, r.User, r.PathValue("key_id"))
			}),
	}
}
