export { FeedbackRecorder } from "./feedback-recorder.ts";
