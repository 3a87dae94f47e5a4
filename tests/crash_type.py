"""A report type for the crash test: every way a case can move, each once.

    report -> verify (a person) -> tell the reporter -> wait -> ask a service -+-> handle (a person) -----+-> tell, end
                                                                               +-> wait -> tell district -+

Every case passes every element exactly once, whoever dies.
"""

from __future__ import annotations

PASSED = {
    "start", "verify", "tell_received", "wait", "ask", "fork", "handle", "pause", "tell_district", "join", "tell_done",
    "end",
}  # fmt: skip
TEXTS = ("T01", "T02", "T03")
TOPIC = "look_up"
DESK, DISTRICT = "desk", "district"

PROVINCE = """
code = "74"
name = "Bình Dương"
short = "BD"
hotline = "1022"
tracking_url = "https://1022.example.vn/{number}"
[calendars."24/7"]
[[areas]]
code = "718"
name = "Thành phố Thủ Dầu Một"
[[agencies]]
key = "desk"
name = "Tổng đài 1022"
kind = "desk"
phone = "+842743111111"
[[agencies]]
key = "district"
name = "UBND thành phố"
kind = "district"
area = "718"
phone = "+842743222222"
[texts.T01]
sms = "Tổng đài 1022 đã tiếp nhận {ma}."
[texts.T02]
sms = "Hồ sơ {ma} đang chờ xử lý."
[texts.T03]
sms = "Hồ sơ {ma} đã được xử lý xong."
[texts.I02]
sms = "Hồ sơ {ma} sắp đến hạn."
[texts.I03]
sms = "Hồ sơ {ma} đã quá hạn."
"""
TYPE = """
code = "CRASH"
province = "74"
process = "CRASH"
secrecy = "C1"
intake_form = "tiep_nhan"
[name]
vi = "Thử sập"
en = "Crash test"
[statuses.moi]
vi = "Mới"
citizen = "Đã tiếp nhận"
open311 = "open"
[statuses.nhac]
vi = "Đã nhắc"
citizen = "Đang xử lý"
open311 = "open"
[statuses.xong]
vi = "Xong"
citizen = "Đã xử lý"
open311 = "closed"
[outcomes.da_xu_ly]
vi = "Đã xử lý"
en = "Solved"
[lanes]
[deadlines.case]
term = "PT2S"
calendar = "24/7"
warn = 0.5
source = "BD-01"
"""
INTAKE = """
{"schemaVersion": 19, "type": "default", "id": "tiep_nhan", "components": [
  {"type": "textarea", "id": "f1", "key": "noi_dung", "label": "Nội dung", "validate": {"required": true}}]}
"""
VERIFY = """
{"schemaVersion": 19, "type": "default", "id": "verify", "components": [
  {"type": "textfield", "id": "f1", "key": "ghi_chu", "label": "Ghi chú", "validate": {"required": true}}]}
"""
PROCESS = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="defs"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
    targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="CRASH" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:userTask id="verify" name="Xác minh" camunda:candidateGroups="desk" camunda:formKey="verify">
      <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
    <bpmn:sendTask id="tell_received" name="Báo đã nhận" camunda:type="external" camunda:topic="notify">
      <bpmn:extensionElements><camunda:properties>
        <camunda:property name="text" value="T01" /><camunda:property name="to" value="reporter" />
      </camunda:properties></bpmn:extensionElements>
      <bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing></bpmn:sendTask>
    <bpmn:intermediateCatchEvent id="wait" name="Chờ"><bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f4</bpmn:outgoing>
      <bpmn:timerEventDefinition id="t1"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration>
      </bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:serviceTask id="ask" name="Tra cứu" camunda:type="external" camunda:topic="look_up">
      <bpmn:extensionElements><camunda:inputOutput>
        <camunda:inputParameter name="so">${number}</camunda:inputParameter>
      </camunda:inputOutput></bpmn:extensionElements>
      <bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing></bpmn:serviceTask>
    <bpmn:parallelGateway id="fork"><bpmn:incoming>f5</bpmn:incoming><bpmn:outgoing>f6</bpmn:outgoing>
      <bpmn:outgoing>f7</bpmn:outgoing></bpmn:parallelGateway>
    <bpmn:userTask id="handle" name="Xử lý" camunda:candidateGroups="district">
      <bpmn:incoming>f6</bpmn:incoming><bpmn:outgoing>f9</bpmn:outgoing></bpmn:userTask>
    <bpmn:intermediateCatchEvent id="pause" name="Nghỉ"><bpmn:incoming>f7</bpmn:incoming>
      <bpmn:outgoing>f8</bpmn:outgoing>
      <bpmn:timerEventDefinition id="t2"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration>
      </bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:sendTask id="tell_district" name="Nhắc" camunda:type="external" camunda:topic="notify">
      <bpmn:extensionElements><camunda:properties>
        <camunda:property name="text" value="T02" /><camunda:property name="to" value="district" />
        <camunda:property name="status" value="nhac" />
      </camunda:properties></bpmn:extensionElements>
      <bpmn:incoming>f8</bpmn:incoming><bpmn:outgoing>f10</bpmn:outgoing></bpmn:sendTask>
    <bpmn:parallelGateway id="join"><bpmn:incoming>f9</bpmn:incoming><bpmn:incoming>f10</bpmn:incoming>
      <bpmn:outgoing>f11</bpmn:outgoing></bpmn:parallelGateway>
    <bpmn:sendTask id="tell_done" name="Báo xong" camunda:type="external" camunda:topic="notify">
      <bpmn:extensionElements><camunda:properties>
        <camunda:property name="text" value="T03" /><camunda:property name="to" value="reporter" />
        <camunda:property name="status" value="xong" /><camunda:property name="outcome" value="da_xu_ly" />
      </camunda:properties></bpmn:extensionElements>
      <bpmn:incoming>f11</bpmn:incoming><bpmn:outgoing>f12</bpmn:outgoing></bpmn:sendTask>
    <bpmn:endEvent id="end"><bpmn:incoming>f12</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="verify" />
    <bpmn:sequenceFlow id="f2" sourceRef="verify" targetRef="tell_received" />
    <bpmn:sequenceFlow id="f3" sourceRef="tell_received" targetRef="wait" />
    <bpmn:sequenceFlow id="f4" sourceRef="wait" targetRef="ask" />
    <bpmn:sequenceFlow id="f5" sourceRef="ask" targetRef="fork" />
    <bpmn:sequenceFlow id="f6" sourceRef="fork" targetRef="handle" />
    <bpmn:sequenceFlow id="f7" sourceRef="fork" targetRef="pause" />
    <bpmn:sequenceFlow id="f8" sourceRef="pause" targetRef="tell_district" />
    <bpmn:sequenceFlow id="f9" sourceRef="handle" targetRef="join" />
    <bpmn:sequenceFlow id="f10" sourceRef="tell_district" targetRef="join" />
    <bpmn:sequenceFlow id="f11" sourceRef="join" targetRef="tell_done" />
    <bpmn:sequenceFlow id="f12" sourceRef="tell_done" targetRef="end" />
  </bpmn:process>
</bpmn:definitions>
"""
FILES = {
    "province.toml": PROVINCE,
    "type.toml": TYPE,
    "process.bpmn": PROCESS,
    "tiep_nhan.form": INTAKE,
    "verify.form": VERIFY,
}
