import type { Answer as HttpAnswer } from "@longshore/testkit/http-client";
import { expectStatus } from "@longshore/testkit/fixtures";
import { ANSWERS, type Answer, type AnswerName } from "../../../src/http/extension/answers.js";

/** The document of a successful answer. Throws if it isn't exactly what the API's description promises. */
export function documentOf<N extends AnswerName>(answer: HttpAnswer, name: N, status = 200): Answer<N> {
  const document = expectStatus(answer, status).json();
  ANSWERS[name].parse(document);
  return document as Answer<N>;
}
