// Express with `compression`, at PORT, in front of the service at API.

import compression from "compression";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";

const app = express();
app.use(compression());
app.use(createProxyMiddleware({ target: process.env.API, changeOrigin: true }));
app.listen(Number(process.env.PORT), "127.0.0.1");
