import * as z from 'zod/mini';
import { DEFAULT_WATCH_RULES, type WatchSettings, watchRulesOf } from '#core/watch/watchRules.ts';

const MOST = 1_000_000_000;
const MOST_TIMES = 1_000;
/** What the watch looks back on, and what an hour of a key remembers of its networks. */
const HISTORY_DAYS = 14;
const MINUTES_AN_HOUR = 60;
const MOST_NETWORKS = 500;

const upTo = (most: number) => z.optional(z.int().check(z.gte(1), z.lte(most)));

/** What counts as unusual use of a tenant's keys. What is left out of a kind is as it is by itself; null: not looked for. */
export const watchField = z.strictObject({
  jump: z.optional(
    z.nullable(z.strictObject({ calls: upTo(MOST), times: upTo(MOST_TIMES), days: upTo(HISTORY_DAYS - 1) })),
  ),
  scraping: z.optional(
    z.nullable(
      z.strictObject({
        calls: upTo(MOST),
        minutes: upTo(MINUTES_AN_HOUR),
        variance_percent: upTo(MOST_TIMES),
        length_percent: upTo(MOST_TIMES),
      }),
    ),
  ),
  many_networks: z.optional(
    z.nullable(z.strictObject({ networks: upTo(MOST_NETWORKS), times: upTo(MOST_TIMES) })),
  ),
});

/** The settings of a tenant with those kinds changed that are named. */
export function changedWatch(
  before: WatchSettings | undefined,
  asked: z.infer<typeof watchField>,
): WatchSettings {
  const { jump, scraping, many_networks } = DEFAULT_WATCH_RULES;
  return {
    ...before,
    ...(asked.jump !== undefined && {
      jump: asked.jump && {
        calls: asked.jump.calls ?? jump.calls,
        times: asked.jump.times ?? jump.times,
        days: asked.jump.days ?? jump.days,
      },
    }),
    ...(asked.scraping !== undefined && {
      scraping: asked.scraping && {
        calls: asked.scraping.calls ?? scraping.calls,
        minutes: asked.scraping.minutes ?? scraping.minutes,
        variancePercent: asked.scraping.variance_percent ?? scraping.variancePercent,
        lengthPercent: asked.scraping.length_percent ?? scraping.lengthPercent,
      },
    }),
    ...(asked.many_networks !== undefined && {
      many_networks: asked.many_networks && {
        networks: asked.many_networks.networks ?? many_networks.networks,
        times: asked.many_networks.times ?? many_networks.times,
      },
    }),
  };
}

/** The rules in force, for the API. */
export function watchBody(settings: WatchSettings | undefined) {
  const { jump, scraping, many_networks } = watchRulesOf(settings);
  return {
    jump,
    scraping: scraping && {
      calls: scraping.calls,
      minutes: scraping.minutes,
      variance_percent: scraping.variancePercent,
      length_percent: scraping.lengthPercent,
    },
    many_networks,
  };
}
