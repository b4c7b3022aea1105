// Rewrites to the service at API, under Next.js' own compression.

export default {
  compress: true,
  rewrites: async () => [{ source: "/:path*", destination: `${process.env.API}/:path*` }],
};
