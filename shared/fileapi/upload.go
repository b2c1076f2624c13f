// Package fileapi is the HTTP side of files: what the functions upload and files
// serve. Paths and shapes are those of docs/openapi.yaml. No byte of a file passes
// here: clients send them to, and read them from, where signed URLs lead.
package fileapi

import (
	"context"
	"net/http"

	"parley/shared/api"
	"parley/shared/file"
	"parley/shared/id"
)

// completion is a client's idea of what it has sent. S3's own list decides; this one
// is only read so that a body that makes no sense is refused.
type completion struct {
	Parts []struct {
		Number int    `json:"number"`
		ETag   string `json:"etag"`
	} `json:"parts"`
}

type arrived struct {
	ID     string      `json:"file_id"`
	Status file.Status `json:"status"`
}

// Upload returns the endpoints that take files.
func Upload(s *api.Service, u *file.Uploads) map[string]http.Handler {
	return map[string]http.Handler{
		"POST /v1/uploads": api.Handle(s, api.Route{Status: http.StatusCreated},
			func(ctx context.Context, r *api.Request, in file.Request) (file.Progress, error) {
				p, err := u.Create(ctx, r.User.User, r.User.Limits.StorageBytes, in)
				if p.Deduplicated {
					r.SetStatus(http.StatusOK)
				}
				return p, err
			}),
		"GET /v1/uploads/{file_id}": api.Handle(s, api.Route{Status: http.StatusOK},
			func(ctx context.Context, r *api.Request, _ api.None) (file.Progress, error) {
				fileID, err := fileOf(r)
				if err != nil {
					return file.Progress{}, err
				}
				return u.Resume(ctx, r.User.User, fileID)
			}),
		"POST /v1/uploads/{file_id}/complete": api.Handle(s, api.Route{Status: http.StatusAccepted},
			func(ctx context.Context, r *api.Request, _ completion) (arrived, error) {
				fileID, err := fileOf(r)
				if err != nil {
					return arrived{}, err
				}
				f, err := u.Complete(ctx, r.User.User, fileID)
				if err == nil && f.Status != file.Processing {
					r.SetStatus(http.StatusOK)
				}
				return arrived{ID: f.ID, Status: f.Status}, err
			}),
		"DELETE /v1/uploads/{file_id}": api.Handle(s, api.Route{Status: http.StatusNoContent},
			func(ctx context.Context, r *api.Request, _ api.None) (api.None, error) {
				fileID, err := fileOf(r)
				if err != nil {
					return api.None{}, err
				}
				return api.None{}, u.Abort(ctx, r.User.User, fileID)
			}),
	}
}

func fileOf(r *api.Request) (string, error) {
	fileID := r.PathValue("file_id")
	if !id.Valid(fileID) {
		return "", file.ErrNoFile
	}
	return fileID, nil
}
