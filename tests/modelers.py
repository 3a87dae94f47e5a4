"""One small life of a report in the shapes that six modelers write: prefixes, namespaces, what they add by themselves.

Each is written for these tests after what the modelers' files look like; none is a file of theirs. Where a modeler has
no way to say who does a task (`bpmn.io`, Signavio, Flowable, Bonita, jBPM), the file is as it would be exported, before
anybody has put in what Camunda's attributes say.
"""

from __future__ import annotations

MODEL = 'xmlns{}="http://www.omg.org/spec/BPMN/20100524/MODEL"'
CAMUNDA = 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
DI = """ xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
  xmlns:di="http://www.omg.org/spec/DD/20100524/DI" """
TELLS = """<{p}extensionElements>{extra}<camunda:properties>
        <camunda:property name="text" value="{text}" /><camunda:property name="to" value="reporter" />{more}
      </camunda:properties></{p}extensionElements>"""
ENDS = """<camunda:property name="status" value="${ket_qua}" />
        <camunda:property name="outcome" value="${ket_qua}" />"""

CAMUNDA_MODELER = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions {MODEL.format(":bpmn")}{DI}{CAMUNDA} {XSI}
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0"
  xmlns:color="http://www.omg.org/spec/BPMN/non-normative/color/1.0" id="Definitions_1"
  targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler" exporterVersion="5.40.0"
  modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.23.0">
  <bpmn:collaboration id="Collaboration_1">
    <bpmn:participant id="Participant_1" name="Tổng đài" processRef="PAKN" />
    <bpmn:textAnnotation id="TextAnnotation_1"><bpmn:text>Hai giờ</bpmn:text></bpmn:textAnnotation>
    <bpmn:association id="Association_1" associationDirection="None" sourceRef="xu_ly" targetRef="TextAnnotation_1" />
  </bpmn:collaboration>
  <bpmn:process id="PAKN" name="Phản ánh" isExecutable="true" camunda:historyTimeToLive="180">
    <bpmn:documentation>Vòng đời của một phản ánh.</bpmn:documentation>
    <bpmn:laneSet id="LaneSet_1">
      <bpmn:lane id="Lane_1" name="Địa phương"><bpmn:flowNodeRef>xu_ly</bpmn:flowNodeRef></bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="bat_dau" camunda:asyncBefore="true"><bpmn:outgoing>Flow_1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="Flow_1" sourceRef="bat_dau" targetRef="da_nhan" />
    <bpmn:sendTask id="da_nhan" name="Báo đã nhận" camunda:type="external" camunda:topic="notify">
      {TELLS.format(p="bpmn:", extra="", text="T01", more="")}
      <bpmn:incoming>Flow_1</bpmn:incoming><bpmn:outgoing>Flow_2</bpmn:outgoing>
    </bpmn:sendTask>
    <bpmn:sequenceFlow id="Flow_2" sourceRef="da_nhan" targetRef="xu_ly" />
    <bpmn:userTask id="xu_ly" name="Xử lý" camunda:formKey="ket_qua" camunda:candidateGroups="ubnd_74_718">
      <bpmn:incoming>Flow_2</bpmn:incoming><bpmn:outgoing>Flow_3</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="Flow_3" sourceRef="xu_ly" targetRef="dung" />
    <bpmn:exclusiveGateway id="dung" name="Đúng?" default="Flow_5">
      <bpmn:incoming>Flow_3</bpmn:incoming><bpmn:outgoing>Flow_4</bpmn:outgoing><bpmn:outgoing>Flow_5</bpmn:outgoing>
    </bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="Flow_4" name="có" sourceRef="dung" targetRef="bao">
      <bpmn:conditionExpression
        xsi:type="bpmn:tFormalExpression">${{ket_qua == "da_giai_quyet"}}</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="Flow_5" sourceRef="dung" targetRef="bao" />
    <bpmn:sendTask id="bao" name="Báo kết quả" camunda:type="external" camunda:topic="notify">
      {TELLS.format(p="bpmn:", extra="", text="T06", more=ENDS)}
      <bpmn:incoming>Flow_4</bpmn:incoming><bpmn:incoming>Flow_5</bpmn:incoming><bpmn:outgoing>Flow_6</bpmn:outgoing>
    </bpmn:sendTask>
    <bpmn:sequenceFlow id="Flow_6" sourceRef="bao" targetRef="dong" />
    <bpmn:endEvent id="dong"><bpmn:incoming>Flow_6</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="BPMNDiagram_1">
    <bpmndi:BPMNPlane id="BPMNPlane_1" bpmnElement="Collaboration_1">
      <bpmndi:BPMNShape id="xu_ly_di" bpmnElement="xu_ly" bioc:stroke="#0d4372" color:border-color="#0d4372">
        <dc:Bounds x="100" y="80" width="100" height="80" /><bpmndi:BPMNLabel />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNEdge id="Flow_1_di" bpmnElement="Flow_1"><di:waypoint x="1" y="2" /></bpmndi:BPMNEdge>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""
BPMN_IO = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn2:definitions {XSI} {MODEL.format(":bpmn2")}{DI}id="sample-diagram"
  targetNamespace="http://bpmn.io/schema/bpmn"
  xsi:schemaLocation="http://www.omg.org/spec/BPMN/20100524/MODEL BPMN20.xsd">
  <bpmn2:process id="PAKN" isExecutable="false">
    <bpmn2:startEvent id="bat_dau"><bpmn2:outgoing>f1</bpmn2:outgoing></bpmn2:startEvent>
    <bpmn2:task id="da_nhan" name="Báo đã nhận"><bpmn2:incoming>f1</bpmn2:incoming></bpmn2:task>
    <bpmn2:userTask id="xu_ly" name="Xử lý" />
    <bpmn2:endEvent id="dong" />
    <bpmn2:sequenceFlow id="f1" sourceRef="bat_dau" targetRef="da_nhan" />
    <bpmn2:sequenceFlow id="f2" sourceRef="da_nhan" targetRef="xu_ly" />
    <bpmn2:sequenceFlow id="f3" sourceRef="xu_ly" targetRef="dong" />
  </bpmn2:process>
  <bpmndi:BPMNDiagram id="d"><bpmndi:BPMNPlane id="p" bpmnElement="PAKN" /></bpmndi:BPMNDiagram>
</bpmn2:definitions>
"""
_META = '<signavio:signavioMetaData metaKey="bgcolor" metaValue="#ffffcc"/><signavio:signavioLabel text="x"/>'
_PLAIN = 'completionQuantity="1" isForCompensation="false" startQuantity="1"'
SIGNAVIO = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<definitions {MODEL.format("")} {XSI}{DI}{CAMUNDA} xmlns:signavio="http://www.signavio.com"
  exporter="Signavio Process Editor, http://www.signavio.com" exporterVersion="17.10.0" id="sid-1"
  expressionLanguage="http://www.w3.org/TR/XPath" typeLanguage="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.signavio.com"
  xsi:schemaLocation="http://www.omg.org/spec/BPMN/20100524/MODEL http://www.omg.org/spec/BPMN/2.0/20100501/BPMN20.xsd">
  <collaboration id="sid-2"><extensionElements>{_META}</extensionElements>
    <participant id="sid-3" name="Tổng đài" processRef="PAKN"><extensionElements>{_META}</extensionElements>
    </participant>
  </collaboration>
  <process id="PAKN" isClosed="false" isExecutable="true" name="Phản ánh" processType="None">
    <extensionElements/>
    <laneSet id="sid-4"><lane id="sid-5" name="Địa phương"><extensionElements>{_META}</extensionElements>
      <flowNodeRef>bat_dau</flowNodeRef><flowNodeRef>xu_ly</flowNodeRef></lane></laneSet>
    <startEvent id="bat_dau" isInterrupting="true" name=""><extensionElements>{_META}</extensionElements>
      <outgoing>sid-f1</outgoing></startEvent>
    <sendTask {_PLAIN} id="da_nhan" implementation="webService" name="Báo&#10;đã nhận" camunda:type="external"
      camunda:topic="notify">{TELLS.format(p="", extra=_META, text="T01", more="")}<incoming>sid-f1</incoming>
    </sendTask>
    <userTask {_PLAIN} id="xu_ly" implementation="webService" name="Xử lý" camunda:formKey="ket_qua"
      camunda:candidateGroups="ubnd_74_718"><extensionElements>{_META}</extensionElements></userTask>
    <exclusiveGateway gatewayDirection="Diverging" id="dung" name="" default="sid-f5"/>
    <sendTask {_PLAIN} id="bao" implementation="webService" name="Báo kết quả" camunda:type="external"
      camunda:topic="notify">{TELLS.format(p="", extra=_META, text="T06", more=ENDS)}</sendTask>
    <endEvent id="dong" name=""><extensionElements>{_META}</extensionElements></endEvent>
    <sequenceFlow id="sid-f1" isImmediate="true" name="" sourceRef="bat_dau" targetRef="da_nhan"/>
    <sequenceFlow id="sid-f2" isImmediate="true" name="" sourceRef="da_nhan" targetRef="xu_ly"/>
    <sequenceFlow id="sid-f3" isImmediate="true" name="" sourceRef="xu_ly" targetRef="dung"/>
    <sequenceFlow id="sid-f4" isImmediate="true" name="" sourceRef="dung" targetRef="bao">
      <conditionExpression id="sid-c" xsi:type="tFormalExpression">${{ket_qua == 'da_giai_quyet'}}</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="sid-f5" isImmediate="true" name="" sourceRef="dung" targetRef="bao"/>
    <sequenceFlow id="sid-f6" isImmediate="true" name="" sourceRef="bao" targetRef="dong"/>
  </process>
  <bpmndi:BPMNDiagram id="sid-d"><bpmndi:BPMNPlane bpmnElement="sid-2" id="sid-p"/></bpmndi:BPMNDiagram>
</definitions>
"""
FLOWABLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions {MODEL.format("")} {XSI} xmlns:xsd="http://www.w3.org/2001/XMLSchema"
  xmlns:flowable="http://flowable.org/bpmn" xmlns:design="http://flowable.org/design"{DI}
  typeLanguage="http://www.w3.org/2001/XMLSchema" expressionLanguage="http://www.w3.org/1999/XPath"
  targetNamespace="http://flowable.org/test" design:palette="flowable-work-process-palette">
  <process id="PAKN" name="Phản ánh" isExecutable="true" flowable:candidateStarterGroups="flowableUser">
    <extensionElements><design:stencilid><![CDATA[BPMNDiagram]]></design:stencilid></extensionElements>
    <startEvent id="bat_dau" flowable:formFieldValidation="true"><extensionElements>
      <flowable:work-form-field-validation><![CDATA[false]]></flowable:work-form-field-validation>
    </extensionElements></startEvent>
    <userTask id="xu_ly" name="Xử lý" flowable:formKey="ket_qua" flowable:candidateGroups="ubnd_74_718"/>
    <serviceTask id="bao" name="Báo kết quả" flowable:delegateExpression="${{bao_ket_qua}}"/>
    <endEvent id="dong"/>
    <sequenceFlow id="f1" sourceRef="bat_dau" targetRef="xu_ly"/>
    <sequenceFlow id="f2" sourceRef="xu_ly" targetRef="bao">
      <conditionExpression
        xsi:type="tFormalExpression"><![CDATA[${{ket_qua == "da_giai_quyet"}}]]></conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="f3" sourceRef="bao" targetRef="dong"/>
  </process>
</definitions>
"""
BONITA = f"""<?xml version="1.0" encoding="UTF-8"?>
<model:definitions {MODEL.format(":model")} {XSI}{DI}exporter="BonitaSoft" exporterVersion="7.14.0"
  expressionLanguage="http://groovy.apache.org/" targetNamespace="http://bonitasoft.com/_1"
  xsi:schemaLocation="http://www.omg.org/spec/BPMN/20100524/MODEL schemas/BPMN20.xsd">
  <model:import importType="http://www.w3.org/2001/XMLSchema" location="BonitaConnectors.xsd" namespace="http://b"/>
  <model:collaboration id="_1"><model:participant id="_2" name="Pool" processRef="PAKN"/></model:collaboration>
  <model:process id="PAKN" name="Pool">
    <model:ioSpecification id="_3"><model:inputSet id="_4"/><model:outputSet id="_5"/></model:ioSpecification>
    <model:laneSet id="PAKN_lanes"><model:lane id="_6" name="Lane"><model:flowNodeRef>xu_ly</model:flowNodeRef>
    </model:lane></model:laneSet>
    <model:startEvent id="bat_dau" name="Start"/>
    <model:userTask id="xu_ly" name="Xử lý">
      <model:performer id="_7"><model:resourceRef>EmployeeActor</model:resourceRef></model:performer>
    </model:userTask>
    <model:endEvent id="dong" name="End"/>
    <model:sequenceFlow id="f1" name="" sourceRef="bat_dau" targetRef="xu_ly"/>
    <model:sequenceFlow id="f2" name="" sourceRef="xu_ly" targetRef="dong"/>
  </model:process>
  <model:resource id="EmployeeActor" name="Employee actor"/>
</model:definitions>
"""
JBPM = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn2:definitions {MODEL.format(":bpmn2")} {XSI} xmlns:bpsim="http://www.bpsim.org/schemas/1.0"{DI}
  xmlns:drools="http://www.jboss.org/drools" id="_A" exporter="jBPM Process Modeler" exporterVersion="2.0"
  targetNamespace="http://www.omg.org/bpmn20">
  <bpmn2:itemDefinition id="_ket_quaItem" structureRef="String"/>
  <bpmn2:process id="PAKN" drools:packageName="vn.tongdai" drools:version="1.0" drools:adHoc="false" name="Phản ánh"
    isExecutable="true" processType="Public">
    <bpmn2:property id="ket_qua" itemSubjectRef="_ket_quaItem" name="ket_qua"/>
    <bpmn2:startEvent id="bat_dau"><bpmn2:outgoing>_f1</bpmn2:outgoing></bpmn2:startEvent>
    <bpmn2:userTask id="xu_ly" name="Xử lý">
      <bpmn2:extensionElements><drools:metaData name="elementname">
        <drools:metaValue><![CDATA[Xử lý]]></drools:metaValue></drools:metaData></bpmn2:extensionElements>
      <bpmn2:ioSpecification><bpmn2:dataInput id="xu_ly_TaskNameInputX" drools:dtype="Object" name="TaskName"/>
        <bpmn2:inputSet><bpmn2:dataInputRefs>xu_ly_TaskNameInputX</bpmn2:dataInputRefs></bpmn2:inputSet>
      </bpmn2:ioSpecification>
      <bpmn2:dataInputAssociation><bpmn2:targetRef>xu_ly_TaskNameInputX</bpmn2:targetRef>
        <bpmn2:assignment><bpmn2:from xsi:type="bpmn2:tFormalExpression"><![CDATA[Task]]></bpmn2:from>
        <bpmn2:to xsi:type="bpmn2:tFormalExpression"><![CDATA[xu_ly_TaskNameInputX]]></bpmn2:to></bpmn2:assignment>
      </bpmn2:dataInputAssociation>
    </bpmn2:userTask>
    <bpmn2:scriptTask id="dem" name="Đếm" scriptFormat="http://www.java.com/java">
      <bpmn2:script><![CDATA[kcontext.setVariable("so", 1);]]></bpmn2:script></bpmn2:scriptTask>
    <bpmn2:endEvent id="dong"><bpmn2:incoming>_f3</bpmn2:incoming></bpmn2:endEvent>
    <bpmn2:sequenceFlow id="_f1" sourceRef="bat_dau" targetRef="xu_ly"/>
    <bpmn2:sequenceFlow id="_f2" sourceRef="xu_ly" targetRef="dem"/>
    <bpmn2:sequenceFlow id="_f3" sourceRef="dem" targetRef="dong"/>
  </bpmn2:process>
  <bpmn2:relationship type="BPSimData"><bpmn2:extensionElements><bpsim:BPSimData/></bpmn2:extensionElements>
    <bpmn2:source>_A</bpmn2:source><bpmn2:target>_A</bpmn2:target></bpmn2:relationship>
</bpmn2:definitions>
"""
