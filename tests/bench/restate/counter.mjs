// A virtual object that adds to a counter: Restate's own example of state, served until it is stopped.
import * as restate from "@restatedev/restate-sdk";

const counter = restate.object({
  name: "Counter",
  handlers: {
    increment: async (ctx, by) => {
      const count = ((await ctx.get("count")) ?? 0) + by;
      ctx.set("count", count);
      return count;
    },
  },
});

const port = await restate.serve({ services: [counter], port: Number(process.env.PORT) });
console.log(`ready 127.0.0.1:${port}`);
