/** The agents: workflows of their own, with their own journals and their own failures. */

import { defineWorkflow, type Workflow } from "everturn";
import { type Draft, draftSales, draftSupport, type Inquiry } from "./agents.js";

/** Answers from order data and the catalogue. */
export const supportAgent: Workflow<Inquiry, Draft> = defineWorkflow("support-agent", (ctx, inquiry) => ctx.activity(draftSupport, inquiry));

/** Adds a fitting suggestion, or keeps quiet. */
export const salesAgent: Workflow<Inquiry, Draft | null> = defineWorkflow("sales-agent", (ctx, inquiry) => ctx.activity(draftSales, inquiry));
