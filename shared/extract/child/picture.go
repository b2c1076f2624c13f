package child

import (
	"context"
	"errors"

	"parley/shared/file"
	"parley/shared/picture"
)

// isPicture are the types of images that are decoded or that people take for such.
var isPicture = map[string]bool{
	"image/jpeg": true, "image/png": true, "image/apng": true, "image/gif": true, "image/webp": true,
}

// readPicture makes of an image what pages and models show of it.
func readPicture(ctx context.Context, src source) (Answer, error) {
	set, err := picture.Make(ctx, src.reader(), picture.Usual)
	switch {
	case errors.Is(err, picture.ErrTooManyPixels), errors.Is(err, picture.ErrTooLarge):
		return Answer{}, errPixels
	case errors.Is(err, picture.ErrFormat):
		return Answer{}, errUnsupported
	case err != nil:
		return Answer{}, err
	}
	return Answer{
		Kind: file.Image, Width: set.Width, Height: set.Height,
		Thumbnail: set.Thumbnail, Picture: set.Model, PictureType: set.ModelType,
	}, nil
}
