package worker

import "container/list"

// cache remembers the keys that were used last. It belongs to the worker's
// lock.
type cache struct {
	order *list.List // of string, newest first
	of    map[string]*list.Element
}

// hit reports whether a key is remembered, and remembers it.
func (c *cache) hit(key string, size int) bool {
	if c.of == nil {
		c.order, c.of = list.New(), map[string]*list.Element{}
	}
	e, ok := c.of[key]
	if ok {
		c.order.MoveToFront(e)
	} else {
		c.of[key] = c.order.PushFront(key)
	}
	for c.order.Len() > size {
		oldest := c.order.Back()
		delete(c.of, oldest.Value.(string))
		c.order.Remove(oldest)
	}
	return ok
}
