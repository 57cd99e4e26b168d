/**
 * Decodes what a worker gets all the time: tasks, with the events that they mostly carry, and answers
 * to results. The same messages as `fromBinary` makes, at a fraction of the cost; what is rare, and
 * whatever is not understood, is left to `fromBinary`.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  ActivityCancelSchema,
  type ActivityTask,
  DeliverySchema,
  ResultRejectionSchema,
  TypingNoticeSchema,
  WelcomeSchema,
  type WorkflowTask,
  type WorkResponse,
  WorkResponseSchema,
} from "../gen/everturn/v1/worker_service_pb.js";
import { EMPTY, historyEvent, payload, rare, timestamp } from "./decode-event.js";
import { UnexpectedWireError, WireReader } from "./wire-reader.js";

/** Decodes a message of the server. */
export function decodeWorkResponse(bytes: Buffer): WorkResponse {
  try {
    return workResponse(new WireReader(bytes));
  } catch (error) {
    // A newer server says more: what is unknown is kept, as ever.
    if (error instanceof UnexpectedWireError) return fromBinary(WorkResponseSchema, bytes);
    throw error;
  }
}

function workResponse(reader: WireReader): WorkResponse {
  const response: WorkResponse = {
    $typeName: "everturn.v1.WorkResponse",
    activityTasks: [],
    workflowTasks: [],
    acceptedResultIds: [],
    rejections: [],
    cancels: [],
    evictedRunIds: [],
    ping: 0n,
    pong: 0n,
    draining: false,
    typing: [],
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        response.welcome = rare(WelcomeSchema, reader);
        break;
      case 2:
        response.activityTasks.push(activityTask(reader));
        break;
      case 3:
        response.workflowTasks.push(workflowTask(reader));
        break;
      case 4:
        reader.uints(response.acceptedResultIds);
        break;
      case 5:
        response.rejections.push(rare(ResultRejectionSchema, reader));
        break;
      case 6:
        response.cancels.push(rare(ActivityCancelSchema, reader));
        break;
      case 7:
        response.evictedRunIds.push(reader.text());
        break;
      case 8:
        response.ping = BigInt(reader.uint());
        break;
      case 9:
        response.pong = BigInt(reader.uint());
        break;
      case 10:
        response.draining = reader.uint() !== 0;
        break;
      case 11:
        response.typing.push(rare(TypingNoticeSchema, reader));
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  return response;
}

function activityTask(reader: WireReader): ActivityTask {
  const outer = reader.enter();
  const task: ActivityTask = {
    $typeName: "everturn.v1.ActivityTask",
    deliveryId: 0n,
    taskToken: EMPTY,
    activityType: "",
    attempt: 0,
    workflowId: "",
    runId: "",
    key: "",
    taskQueue: "",
    idempotencyKey: "",
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        task.deliveryId = BigInt(reader.uint());
        break;
      case 2:
        task.taskToken = reader.bytes();
        break;
      case 3:
        task.activityType = reader.text();
        break;
      case 4:
        task.input = payload(reader);
        break;
      case 5:
        task.attempt = reader.uint();
        break;
      case 6:
        task.workflowId = reader.text();
        break;
      case 7:
        task.runId = reader.text();
        break;
      case 8:
        task.key = reader.text();
        break;
      case 9:
        task.deadline = timestamp(reader);
        break;
      case 10:
        task.heartbeatTimeout = rare(DurationSchema, reader);
        break;
      case 11:
        task.heartbeatDetails = payload(reader);
        break;
      case 12:
        task.taskQueue = reader.text();
        break;
      case 13:
        task.delivery = rare(DeliverySchema, reader);
        break;
      case 14:
        task.idempotencyKey = reader.text();
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  reader.leave(outer);
  return task;
}

function workflowTask(reader: WireReader): WorkflowTask {
  const outer = reader.enter();
  const task: WorkflowTask = {
    $typeName: "everturn.v1.WorkflowTask",
    deliveryId: 0n,
    taskToken: EMPTY,
    workflowId: "",
    runId: "",
    workflowType: "",
    previousEventId: 0n,
    events: [],
    lastEventId: 0n,
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        task.deliveryId = BigInt(reader.uint());
        break;
      case 2:
        task.taskToken = reader.bytes();
        break;
      case 3:
        task.workflowId = reader.text();
        break;
      case 4:
        task.runId = reader.text();
        break;
      case 5:
        task.workflowType = reader.text();
        break;
      case 6:
        task.previousEventId = BigInt(reader.uint());
        break;
      case 7:
        task.events.push(historyEvent(reader.bytes()));
        break;
      case 8:
        task.lastEventId = BigInt(reader.uint());
        break;
      default:
        throw new UnexpectedWireError();
    }
  }
  reader.leave(outer);
  return task;
}
