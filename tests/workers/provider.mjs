// A provider of log-ins that is not ours: node-oidc-provider with the forms it comes with, whose password is never asked.
// node provider.mjs BACK: tells its issuer in a line. BACK: where browsers may come back to.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const server = createServer((request, response) => handle(request, response));
let handle;
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "thongsuot", client_secret: "client-secret-marked", redirect_uris: [process.argv[2]] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false, // email in the id token, as providers of offices do
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@ubnd.example`, email_verified: true }) }),
  });
  handle = provider.callback();
  console.log(issuer);
});
