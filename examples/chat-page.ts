// The page of the chat: a line to type into, and what is said. It speaks the protocol that `nc` speaks, over a WebSocket.
import type { RequestListener } from 'node:http';

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>chat</title>
<style>
  body { font: 16px/1.5 ui-monospace, monospace; margin: 2rem auto; max-width: 44rem; padding: 0 1rem; }
  #said { white-space: pre-wrap; min-height: 12rem; overflow-wrap: anywhere; }
  form { display: flex; gap: 0.5rem; }
  input { flex: 1; font: inherit; padding: 0.25rem 0.5rem; }
</style>
<div id="said" role="log" aria-label="what is said"></div>
<form id="say"><input name="line" autocomplete="off" autofocus aria-label="say something"></form>
<script>
  const said = document.getElementById('said');
  const form = document.getElementById('say');
  const text = new TextDecoder();
  const show = (words) => {
    said.append(words);
    scrollTo(0, document.body.scrollHeight);
  };
  const socket = new WebSocket(location.origin.replace('http', 'ws'));
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => show(text.decode(data, { stream: true }));
  socket.onclose = () => show('(the connection is closed)');
  form.onsubmit = (event) => {
    event.preventDefault();
    if (form.line.value !== '') show('> ' + form.line.value + '\\n');
    socket.send(form.line.value + '\\n');
    form.reset();
  };
</script>
</html>
`;

/** Answers any request with the page. */
export const chatPage: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
};
