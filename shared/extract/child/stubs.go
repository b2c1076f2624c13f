package child

import "context"

var isPicture = map[string]bool{}

func readPicture(context.Context, source) (Answer, error)  { return Answer{}, errUnsupported }
func readHTML(c context.Context, s source) (Answer, error) { return readText(c, s) }
func archive(src source) kind                              { return kind{zipType, refuse(errUnsupported)} }
