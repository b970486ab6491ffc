package cli

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/lmittmann/tint"

	"stocksyncd/configs"
)

// newLog makes the log of a config: coloured lines for a person at a terminal,
// JSON for everything else.
func (a *app) newLog(cfg *configs.Config, level slog.Leveler) *slog.Logger {
	w := a.Stderr
	format := cfg.Log.Format
	if format == "auto" {
		format = "json"
		if a.Terminal(w) {
			format = "text"
		}
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return a.textLog(w, level)
}

func (a *app) textLog(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: time.TimeOnly, NoColor: !a.colored(w), ReplaceAttr: showEscapes,
	}))
}

// showEscapes makes escape characters in a value visible. Tint quotes all else
// that cannot be printed, but takes these for colours that somebody wanted: it
// lets them through to a terminal, and drops them elsewhere, so that one SKU
// looks like another.
func showEscapes(_ []string, attr slog.Attr) slog.Attr {
	if kind := attr.Value.Kind(); kind != slog.KindString && kind != slog.KindAny {
		return attr
	}
	if text := attr.Value.String(); strings.Contains(text, "\x1b") {
		return slog.String(attr.Key, strings.ReplaceAll(text, "\x1b", "␛"))
	}
	return attr
}

// quietLog is the log of a command whose result says what happened: warnings,
// and all there is when the config asks for debug.
func (a *app) quietLog(cfg *configs.Config) *slog.Logger {
	level := logLevel(cfg)
	if level > slog.LevelDebug {
		level = max(level, slog.LevelWarn)
	}
	return a.newLog(cfg, level)
}

// logLevel is the level that a config names; validation knows no other words.
func logLevel(cfg *configs.Config) slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(cfg.Log.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}
