package fileapi

import (
	"context"
	"net/http"

	"parley/shared/api"
	"parley/shared/file"
)

// Files returns the endpoints that list, read and delete files.
func Files(s *api.Service, l *file.Library, remove *file.Deletion) map[string]http.Handler {
	ok := api.Route{Status: http.StatusOK}
	return map[string]http.Handler{
		"GET /v1/files": api.Handle(s, ok, func(ctx context.Context, r *api.Request, _ api.None) (api.Page[file.File], error) {
			items, next, err := l.List(ctx, r.User.User, r.Limit(file.DefaultPage), r.Cursor())
			return api.Page[file.File]{Items: items, Next: next}, err
		}),
		"GET /v1/files/{file_id}": api.Handle(s, ok, func(ctx context.Context, r *api.Request, _ api.None) (file.File, error) {
			fileID, err := fileOf(r)
			if err != nil {
				return file.File{}, err
			}
			return l.File(ctx, r.User.User, fileID)
		}),
		"GET /v1/files/{file_id}/content":   redirect(s, l.Content),
		"GET /v1/files/{file_id}/thumbnail": redirect(s, l.Thumbnail),
		"DELETE /v1/files/{file_id}": api.Handle(s, api.Route{Status: http.StatusNoContent},
			func(ctx context.Context, r *api.Request, _ api.None) (api.None, error) {
				fileID, err := fileOf(r)
				if err != nil {
					return api.None{}, err
				}
				return api.None{}, remove.Delete(ctx, r.User.User, fileID)
			}),
	}
}

// redirect answers with where to read a file. The answer itself is kept by nobody,
// as all answers: its URL stops working.
func redirect(s *api.Service, link func(ctx context.Context, user, id string) (string, error)) http.Handler {
	return api.Handle(s, api.Route{Status: http.StatusFound}, func(ctx context.Context, r *api.Request, _ api.None) (api.None, error) {
		fileID, err := fileOf(r)
		if err != nil {
			return api.None{}, err
		}
		to, err := link(ctx, r.User.User, fileID)
		if err == nil {
			r.SetHeader("Location", to)
		}
		return api.None{}, err
	})
}
